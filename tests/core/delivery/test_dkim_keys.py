import pytest
from sqlmodel import select

from core import crypto, db
from core.delivery import dkim_keys, senders
from core.delivery.dkim_keys import Domain, Pair, new_pairs
from core.errors import NotFound, RuleError
from core.models import DkimKey
from tests.conftest import Stack
from tests.jobs import world


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return new_pairs()


def seen(user_id: int) -> dict[str, Domain]:
    with db.reading() as session:
        return {domain.name: domain for domain in dkim_keys.domains(session, user_id)}


def keep(user_id: int, domain: str, pairs: list[Pair], replace: bool = False) -> None:
    with db.session() as session:
        dkim_keys.keep(session, user_id, domain, pairs, replace)


def signing(user_id: int, address: str) -> list[str]:
    with db.reading() as session:
        found = [key.algorithm for key in dkim_keys.signing(session, user_id, address)]
        assert found == [key.algorithm for key in dkim_keys.shown(session, user_id, address)]
        return found


def test_keys_are_made_switched_replaced_and_deleted(stack: Stack, pairs: list[Pair]) -> None:
    alice = world.add_user()
    world.add_sender(alice, 1, from_address="news@Bücher.example")
    world.add_sender(alice, 2, from_address="office@xn--bcher-kva.example")
    domain = "xn--bcher-kva.example"
    assert seen(alice) == {domain: Domain(domain, ("Sender 1", "Sender 2"), ())}
    keep(alice, domain, pairs)
    rsa, ed25519 = seen(alice)[domain].keys
    assert (rsa.algorithm, ed25519.algorithm) == ("rsa", "ed25519")
    assert rsa.name.endswith("._domainkey.xn--bcher-kva.example") and rsa.name != ed25519.name
    assert rsa.value == f"v=DKIM1; k=rsa; p={pairs[0].public}"
    assert ed25519.value == f"v=DKIM1; k=ed25519; p={pairs[1].public}"
    assert signing(alice, "news@bücher.example") == [] and not seen(alice)[domain].is_signed
    with db.session() as session:
        dkim_keys.switch(session, alice, rsa.id, True)
        dkim_keys.switch(session, alice, ed25519.id, True)
    assert signing(alice, "News@BÜCHER.example") == ["rsa", "ed25519"]
    assert signing(alice, "news@example.com") == [] == signing(alice, "nonsense")
    with db.session() as session:
        dkim_keys.switch(session, alice, rsa.id, False)
    assert signing(alice, "news@bücher.example") == ["ed25519"] and seen(alice)[domain].is_signed
    with pytest.raises(RuleError, match="already"):
        keep(alice, domain, pairs)
    keep(alice, domain, pairs, replace=True)
    again = seen(alice)[domain].keys
    assert len(again) == 2 and not {key.name for key in again} & {rsa.name, ed25519.name}
    assert signing(alice, "news@bücher.example") == []
    with db.session() as session:
        dkim_keys.remove(session, alice, domain)
    assert seen(alice)[domain].keys == ()


def test_private_keys_are_sealed_and_bound_to_their_row(sqlite_stack: Stack, pairs: list[Pair]) -> None:
    alice = world.add_user()
    world.add_sender(alice, 1)
    keep(alice, "example.com", pairs)
    with db.reading() as session:
        rows = session.exec(select(DkimKey)).all()
    for row, pair in zip(rows, pairs, strict=True):
        assert "PRIVATE" not in row.private_sealed
        assert crypto.unseal(row.private_sealed, f"dkim:{row.id}") == pair.private
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(rows[0].private_sealed, f"dkim:{rows[1].id}")
    assert "PRIVATE" not in repr(seen(alice))


def test_a_stranger_sees_and_changes_nothing(stack: Stack, pairs: list[Pair]) -> None:
    alice, charlie = world.add_user(), world.add_user("charlie@example.com")
    world.add_sender(alice, 1)
    world.add_sender(charlie, 2, from_address="c@charlie.example")
    keep(alice, "example.com", pairs)
    key = seen(alice)["example.com"].keys[0]
    assert list(seen(charlie)) == ["charlie.example"]
    with pytest.raises(RuleError, match="None of your senders"):
        keep(charlie, "example.com", pairs, replace=True)
    for call, what in ((dkim_keys.switch, (key.id, True)), (dkim_keys.remove, ("example.com",))):
        with pytest.raises(NotFound), db.session() as session:
            call(session, charlie, *what)  # type: ignore[operator]
    assert seen(alice)["example.com"].keys[0] == key
    with db.session() as session:
        dkim_keys.switch(session, alice, key.id, True)
    assert signing(charlie, "news@example.com") == []


def test_the_keys_of_a_domain_without_a_sender_can_still_be_deleted(sqlite_stack: Stack, pairs: list[Pair]) -> None:
    alice = world.add_user()
    sender_id = world.add_sender(alice, 1)
    keep(alice, "example.com", pairs)
    with db.session() as session:
        senders.delete(session, alice, sender_id)
    assert seen(alice)["example.com"].senders == ()
    with db.session() as session:
        dkim_keys.remove(session, alice, "example.com")
    assert seen(alice) == {}
