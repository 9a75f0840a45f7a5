import pytest
from sqlmodel import col, select

from core import clock, db
from core.audience import contacts, parse, selection
from core.audience.selection import Selection
from core.errors import NotFound
from core.models import Contact, ContactList, ListMember, User
from tests.conftest import Stack

ALICE, CHARLIE = 1, 2


@pytest.fixture(autouse=True)
def people(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "CHUNK_ROWS", 5)
    with db.session() as session:
        for number, name in ((ALICE, "alice"), (CHARLIE, "charlie")):
            session.add(User(id=number, email=f"{name}@example.com", password_hash="x", created_at=clock.utcnow()))


def _stored(name: str, numbers: range, user_id: int = ALICE) -> int:
    lines = "".join(f"p{n:03}@example.com,{'Ulm' if n % 2 else 'Bonn'}\n" for n in numbers)
    return contacts.store(user_id, parse.parse_text(f"email,town\n{lines}"), name).list_id


def _on(list_id: int) -> list[int]:
    """Who is on it, by the numbers in their addresses; and that the list knows how many they are."""
    with db.reading() as session:
        joined = select(Contact.email).join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        emails = session.exec(joined.where(col(ListMember.list_id) == list_id).order_by(Contact.email)).all()
        assert session.get_one(ContactList, list_id).contact_count == len(emails)
    return [int(email[1:4]) for email in emails]


def _made(user_id: int = ALICE) -> int:
    with db.session() as session:
        return contacts.create_list(session, user_id, "Chosen")


def test_everybody_is_put_on_a_list_in_chunks_and_who_was_on_it_is_not_counted() -> None:
    _stored("two", range(60, 120, 2))
    some, chosen, told = _stored("one", range(0, 60)), _made(), list[int]()
    _stored("other", range(60), CHARLIE)
    assert selection.put(ALICE, Selection(list_id=some), chosen, told.append) == 60
    assert told[-1] == 60 and len(told) > 1
    assert selection.put(ALICE, Selection(), chosen) == 30
    assert _on(chosen) == [*range(60), *range(60, 120, 2)]
    assert selection.put(ALICE, Selection(), chosen) == 0


def test_only_who_is_found_is_put_on_the_list() -> None:
    one, chosen, narrow = _stored("one", range(60)), _made(), _made()
    _stored("two", range(60, 120))
    found = Selection("ulm")
    with db.reading() as session:
        assert selection.count(session, ALICE, found) == 60
    assert selection.put(ALICE, found, chosen) == 60
    assert _on(chosen) == [*range(1, 120, 2)]
    assert selection.put(ALICE, Selection("ulm p01", one), narrow) == 5
    assert _on(narrow) == [11, 13, 15, 17, 19]
    with db.reading() as session:
        assert contacts.get_list(session, ALICE, narrow).fields == ["town"]


def test_who_is_found_on_a_list_is_taken_off_it_and_stays_a_contact() -> None:
    one, two, told = _stored("one", range(60)), _stored("two", range(60)), list[int]()
    assert selection.take_off(ALICE, "bonn", one, told.append) == 30
    assert (_on(one), _on(two), told[-1]) == ([*range(1, 60, 2)], [*range(60)], 30)
    assert selection.take_off(ALICE, "", one) == 30
    assert _on(one) == [] and selection.take_off(ALICE, "", one) == 0
    with db.reading() as session:
        assert selection.count(session, ALICE, Selection()) == 60


def test_a_stranger_chooses_nobody_and_changes_no_list() -> None:
    one, own = _stored("one", range(12)), _stored("own", range(12), CHARLIE)
    assert selection.put(CHARLIE, Selection(list_id=one), own) == 0
    assert selection.take_off(CHARLIE, "", one) == 0
    with pytest.raises(NotFound):
        selection.put(CHARLIE, Selection(), one)
    assert _on(one) == _on(own) == [*range(12)]
    with db.reading() as session:
        assert selection.count(session, CHARLIE, Selection("ulm", one)) == 0


def test_a_list_that_is_deleted_meanwhile_ends_it_with_a_sentence() -> None:
    _stored("one", range(60))
    chosen = _made()

    def delete(_done: int) -> None:
        with db.session() as session:
            if chosen in {each.id for each in contacts.lists(session, ALICE)}:
                contacts.delete_list(session, ALICE, chosen)

    with pytest.raises(NotFound, match="deleted meanwhile"):
        selection.put(ALICE, Selection(), chosen, delete)
