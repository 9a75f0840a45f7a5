"""Tokens in mails: believed when this SECRET_KEY made them, whichever way it did."""

import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest

from core import crypto
from tests.conftest import Stack


def by_hmac(purpose: str, payload: bytes) -> bytes:
    return hmac.digest(crypto.derived("token:" + purpose), payload, "sha256")[:16]


def by_blake2(purpose: str, payload: bytes) -> bytes:
    return hashlib.blake2b(payload, key=crypto.derived("token:" + purpose), digest_size=16).digest()


@pytest.mark.parametrize("mac", [by_hmac, by_blake2])
@pytest.mark.parametrize("purpose", ["unsubscribe", "link"])
def test_tokens_of_mails_that_went_out_long_ago_still_work_for_their_purpose_only(
    sqlite_stack: Stack, mac: Callable[[str, bytes], bytes], purpose: str
) -> None:
    payload = (4711).to_bytes(8, "big")
    former = base64.urlsafe_b64encode(payload + mac(purpose, payload)).decode()
    for token in (former, crypto.sign(purpose, 4711)):
        assert crypto.verify(purpose, token) == 4711
        assert crypto.verify("open", token) is None and crypto.verify("image", token) is None
        assert crypto.verify(purpose, token[:-1] + ("B" if token[-1] != "B" else "C")) is None


def test_no_token_of_a_mail_is_another_one(sqlite_stack: Stack) -> None:
    tokens = crypto.mail_signer()(4711)
    assert tokens == [crypto.sign(purpose, 4711) for purpose in crypto.MAIL_PURPOSES]
    for purpose in crypto.MAIL_PURPOSES:
        believed = [crypto.verify(purpose, token) for token in tokens]
        assert believed == [4711 if purpose == own else None for own in crypto.MAIL_PURPOSES]
    for damaged in ("", "A" * 32, "x", tokens[0][:-1], tokens[0] + "A", "=" * 32):
        assert crypto.verify("message", damaged) is None
