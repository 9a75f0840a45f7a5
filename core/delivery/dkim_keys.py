"""DKIM keys of a user's sending domains: made here, switched on by the user when their records are in DNS.

A private key goes in sealed and never comes out to a page.
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete

from core import crypto, db, live
from core.content import headers
from core.content.dkim import ED25519, RSA, SigningKey
from core.content.gate import BadMail
from core.errors import NotFound, RuleError
from core.models import DkimKey, Sender

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
_STRING = 255  # characters in one string of a TXT record (RFC 1035 section 3.3.14)

_key: Any = DkimKey.__table__  # type: ignore[attr-defined]
# Asked for with every batch that is claimed.
_SIGNING = (
    select(_key.c.id, _key.c.selector, _key.c.algorithm, _key.c.private_sealed)
    .where(_key.c.user_id == bindparam("owner"), _key.c.domain == bindparam("of"), _key.c.is_active.is_(True))
    .order_by(_key.c.algorithm.desc())
)


@dataclass(frozen=True)
class Pair:
    """A new key: ``public`` as the DNS record has it (RFC 6376 section 3.6.1, RFC 8463 section 4)."""

    algorithm: str
    private: str
    public: str


@dataclass(frozen=True)
class Key:
    """What a page may know of a key: ``name`` and ``value`` are its TXT record."""

    id: int
    algorithm: str
    is_active: bool
    name: str
    value: str

    @property
    def strings(self) -> tuple[str, ...]:
        """``value`` in pieces that fit one string of a TXT record each."""
        return tuple(self.value[start : start + _STRING] for start in range(0, len(self.value), _STRING))

    @property
    def quoted(self) -> str:
        """``value`` as zone files and many providers' forms want it: its strings in quotes."""
        return " ".join(f'"{string}"' for string in self.strings)


@dataclass(frozen=True)
class Domain:
    """A domain that the user's mails are from. ``senders``: the names of those; ``keys``: none where it has none."""

    name: str
    senders: tuple[str, ...]
    keys: tuple[Key, ...]

    @property
    def is_signed(self) -> bool:
        return any(key.is_active for key in self.keys)


def domains(session: Session, user_id: int) -> list[Domain]:
    """The domains of the user's senders (the sandbox aside), and those that have keys."""
    rows = session.scalars(
        select(DkimKey).where(col(DkimKey.user_id) == user_id).order_by(col(DkimKey.algorithm).desc())
    ).all()
    using = _using(session, user_id)
    return [
        Domain(name, tuple(using.get(name, ())), tuple(_shown(row) for row in rows if row.domain == name))
        for name in sorted({*using, *(row.domain for row in rows)})
    ]


def new_pairs() -> list[Pair]:
    """An RSA-2048 and an Ed25519 key. Takes some 0.1 s: make them before the transaction."""
    return [_rsa(), _ed25519()]


def keep(session: Session, user_id: int, domain: str, pairs: Sequence[Pair], replace: bool = False) -> None:
    """Keep new keys of a domain that a sender of the user is from, switched off; ``replace``: in place of those there.

    Raises RuleError where there are keys already, or no such sender.
    """
    if domain not in _using(session, user_id):
        raise RuleError("None of your senders is from this domain.")
    if replace:
        session.execute(delete(DkimKey).where(*_of(user_id, domain)))
    rows = [_row(session, user_id, domain, pair) for pair in pairs]
    try:
        session.add_all(rows)
        session.flush()
    except IntegrityError:
        raise RuleError("There are keys for this domain already.") from None
    for row, pair in zip(rows, pairs, strict=True):
        row.private_sealed = crypto.seal(pair.private, _context(row.id))
    session.flush()
    _changed(session, user_id)


def switch(session: Session, user_id: int, key_id: int, on: bool) -> None:
    """Sign the mails of the key's domain from the next batch on, or no more. Raises NotFound."""
    statement = update(_key).where(_key.c.id == key_id, _key.c.user_id == user_id).values(is_active=on)
    if not session.connection().execute(statement).rowcount:
        raise NotFound.of("key")
    _changed(session, user_id)


def remove(session: Session, user_id: int, domain: str) -> None:
    """Forget the domain's keys. Raises NotFound."""
    if not session.connection().execute(delete(DkimKey).where(*_of(user_id, domain))).rowcount:
        raise NotFound("There are no keys for this domain.")
    _changed(session, user_id)


def signing(session: Session, user_id: int, from_address: str) -> tuple[SigningKey, ...]:
    """The keys that sign the user's mails from this address."""
    domain = _domain(from_address)
    found = session.connection().execute(_SIGNING, {"owner": user_id, "of": domain})
    return tuple(
        SigningKey(domain, selector, algorithm, sealed, _context(key_id))
        for key_id, selector, algorithm, sealed in found
    )


def shown(session: Session, user_id: int, from_address: str) -> tuple[Key, ...]:
    """The same keys, as a page may know them."""
    mine = (*_of(user_id, _domain(from_address)), col(DkimKey.is_active).is_(True))
    return tuple(_shown(row) for row in session.scalars(select(DkimKey).where(*mine).order_by(col(DkimKey.id))))


def _using(session: Session, user_id: int) -> dict[str, list[str]]:
    """Domain -> names of the senders that are from it."""
    rows = session.execute(
        select(Sender.name, Sender.from_address)  # type: ignore[call-overload]
        .where(col(Sender.user_id) == user_id, col(Sender.deleted_at).is_(None), col(Sender.is_sandbox).is_(False))
        .order_by(Sender.name)
    )
    using: dict[str, list[str]] = {}
    for name, address in rows:
        if domain := _domain(address):
            using.setdefault(domain, []).append(name)
    return using


def _domain(address: str) -> str:
    try:
        return headers.domain(address)
    except BadMail:
        return ""


def _row(session: Session, user_id: int, domain: str, pair: Pair) -> DkimKey:
    now = db.now(session)
    # Never one that was there before: DNS remembers records for hours, and others may use the same domain.
    selector = f"cm{now:%Y}{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
    return DkimKey(
        user_id=user_id,
        domain=domain,
        selector=selector,
        algorithm=pair.algorithm,
        public_key=pair.public,
        created_at=now,
    )


def _shown(row: DkimKey) -> Key:
    assert row.id is not None
    value = f"v=DKIM1; k={row.algorithm}; p={row.public_key}"
    return Key(row.id, row.algorithm, row.is_active, f"{row.selector}._domainkey.{row.domain}", value)


def _rsa() -> Pair:
    made = rsa.generate_private_key(65537, 2048)
    public = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Pair(RSA, _pem(made), base64.b64encode(public).decode())


def _ed25519() -> Pair:
    made = ed25519.Ed25519PrivateKey.generate()
    public = made.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Pair(ED25519, _pem(made), base64.b64encode(public).decode())


def _pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _context(key_id: int | None) -> str:
    return f"dkim:{key_id}"


def _of(user_id: int, domain: str) -> tuple[Any, Any]:
    return col(DkimKey.user_id) == user_id, col(DkimKey.domain) == domain


def _changed(session: Session, user_id: int) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "sender"))
