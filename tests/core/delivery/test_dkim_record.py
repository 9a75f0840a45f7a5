from dataclasses import replace

import pytest

from core.delivery import dkim_record
from core.delivery.dkim_keys import Key, new_pairs
from tests.core.delivery.nameserver import nameserver

RSA, ED25519 = (
    Key(1, name, False, f"{name}._domainkey.example.com", f"v=DKIM1; k={name}; p={pair.public}")
    for name, pair in zip(("rsa", "ed25519"), new_pairs(), strict=True)
)


def changed(old: str, new: str) -> str:
    """The RSA record with something else in it."""
    return replace(RSA, value=RSA.value.replace(old, new)).quoted


def test_a_record_that_is_as_shown_is_right() -> None:
    with nameserver({key.name: [key.quoted] for key in (RSA, ED25519)}) as resolver:
        for key in (RSA, ED25519):
            assert dkim_record.look(key, resolver).state == "right"
    assert len(RSA.strings[0]) == 255 and len(RSA.strings) == 2
    assert len(ED25519.strings) == 1


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        (None, "missing", "not there yet"),
        ([], "missing", "not there yet"),
        (['"v=DKIM1; k=rsa; p=MIIB"'], "differs", "cut off"),
        (['"v=DKIM1; k=rsa; p=AAAA"'], "differs", "differs from the one shown"),
        (['"v=DKIM1; k=rsa; p="'], "differs", "differs from the one shown"),
        (['"v=spf1 -all"'], "differs", "differs from the one shown"),
        ([changed("k=rsa", "k=ed25519")], "differs", "differs from the one shown"),
        ([RSA.quoted, '"v=DKIM1; p=AAAA"'], "differs", "There are 2 records"),
        ([changed("v=DKIM1; k=rsa; ", "")], "right", "is right"),
        ([changed("; ", " ;   ")], "right", "is right"),
    ],
)
def test_what_is_wrong_with_a_record_is_said(found: list[str] | None, state: str, words: str) -> None:
    with nameserver({} if found is None else {RSA.name: found}) as resolver:
        finding = dkim_record.look(RSA, resolver)
    assert finding.state == state and words in finding.sentence


def test_a_name_server_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dkim_record, "SECONDS", 0.2)
    with nameserver({}, silent=True) as resolver:
        assert dkim_record.look(RSA, resolver).state == "unknown"
