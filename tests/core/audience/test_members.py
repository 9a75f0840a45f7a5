import pytest
from sqlmodel import col, select

from core import clock, db
from core.audience import contacts, members, parse
from core.errors import NotFound
from core.models import Contact, ListMember, User
from tests.conftest import Stack

ALICE, CHARLIE = 1, 2


@pytest.fixture(autouse=True)
def people(stack: Stack) -> None:
    with db.session() as session:
        for number, name in ((ALICE, "alice"), (CHARLIE, "charlie")):
            session.add(User(id=number, email=f"{name}@example.com", password_hash="x", created_at=clock.utcnow()))


def _stored(text: str, user_id: int = ALICE) -> list[int]:
    list_id = contacts.store(user_id, parse.parse_text(text), "file").list_id
    with db.reading() as session:
        on = select(ListMember.contact_id).where(col(ListMember.list_id) == list_id)
        return list(session.exec(on.order_by(col(ListMember.contact_id))))


def _made(user_id: int = ALICE) -> int:
    with db.session() as session:
        return contacts.create_list(session, user_id, "Chosen")


def _on(list_id: int) -> list[str]:
    with db.reading() as session:
        joined = select(Contact.email).join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        return list(session.exec(joined.where(col(ListMember.list_id) == list_id).order_by(Contact.email)))


def test_contacts_are_put_on_a_list_once_with_their_merge_fields() -> None:
    anna, ben, cleo = _stored("email,name,city\na@example.com,Anna,\nb@example.com,Ben,Ulm\nc@example.com,,\n")
    chosen = _made()
    with db.session() as session:
        assert members.put(session, ALICE, chosen, [anna, cleo]) == 2
    with db.session() as session:
        assert members.put(session, ALICE, chosen, [anna, ben]) == 1
    assert _on(chosen) == ["a@example.com", "b@example.com", "c@example.com"]
    with db.reading() as session:
        made = contacts.get_list(session, ALICE, chosen)
        assert (made.contact_count, made.fields) == (3, ["name", "city"])


def test_a_stranger_is_put_on_no_list_and_finds_none() -> None:
    (anna,), (charlie,) = _stored("a@example.com"), _stored("x@example.com", CHARLIE)
    chosen = _made()
    with db.session() as session:
        assert members.put(session, ALICE, chosen, [anna, charlie]) == 1
    with db.session() as session, pytest.raises(NotFound):
        members.put(session, CHARLIE, chosen, [charlie])
    assert _on(chosen) == ["a@example.com"]
