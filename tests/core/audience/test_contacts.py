import csv
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from core import clock, config, db, live
from core.audience import addresses, book, contacts, export, matches, parse, suppression
from core.audience.contacts import AudienceCount, Stored
from core.audience.people import find
from core.errors import NotFound, RuleError
from core.models import Campaign, CampaignList, Contact, ContactList, ListMember, User
from tests.conftest import Stack

ALICE, CHARLIE = 1, 2


@pytest.fixture(autouse=True)
def people(stack: Stack) -> None:
    with db.session() as session:
        for number, name in ((ALICE, "alice"), (CHARLIE, "charlie")):
            session.add(User(id=number, email=f"{name}@example.com", password_hash="x", created_at=clock.utcnow()))


def store(text: str, name: str = "members", user_id: int = ALICE, list_id: int | None = None) -> Stored:
    return contacts.store(user_id, parse.parse_text(text), name, list_id=list_id)


def kept(user_id: int = ALICE) -> dict[str, dict[str, str]]:
    with db.reading() as session:
        rows = session.exec(select(Contact).where(col(Contact.user_id) == user_id).order_by(col(Contact.email)))
        return {row.email: row.fields for row in rows}


def counts_are_right() -> bool:
    with db.reading() as session:
        members = session.exec(select(ListMember)).all()
        return all(
            each.contact_count == sum(member.list_id == each.id for member in members)
            for each in session.exec(select(ContactList))
        )


def test_an_upload_becomes_contacts_and_a_list_named_after_it() -> None:
    stored = store("email,name\nb@example.com,Ben\na@example.com,Anna\na@example.com,Anne\nnobody,x\n")
    assert (stored.list_name, stored.added_count) == ("members", 2)
    assert kept() == {"a@example.com": {"name": "Anne"}, "b@example.com": {"name": "Ben"}}
    with db.reading() as session:
        (made,) = contacts.lists(session, ALICE)
        assert (made.name, made.contact_count, made.fields) == ("members", 2, ["name"])
        assert {row.domain for row in book.page(session, ALICE).rows} == {"example.com"}


def test_a_page_of_contacts_tells_who_of_them_is_suppressed() -> None:
    for user_id in (ALICE, CHARLIE):
        store("a@example.com\nb@example.com\nc@example.com", user_id=user_id)
    with db.session() as session:
        suppression.suppress(session, ALICE, "a@example.com", "bounced")
        suppression.suppress(session, ALICE, "c@example.com", "manual")
        suppression.suppress(session, CHARLIE, "b@example.com", "manual")
    with db.reading() as session:
        assert book.page(session, ALICE).suppressed == {"a@example.com", "c@example.com"}
        assert book.page(session, ALICE, search="b@").suppressed == set()
        assert book.page(session, CHARLIE).suppressed == {"b@example.com"}


def test_the_same_file_again_makes_a_second_list_of_the_same_contacts() -> None:
    store("a@example.com\nb@example.com")
    again = store("a@example.com\nb@example.com")
    assert (again.list_name, again.added_count) == ("members (2)", 2)
    assert store("a@example.com").list_name == "members (3)"
    assert len(kept()) == 2 and counts_are_right()


def test_new_values_win_and_empty_ones_erase_nothing() -> None:
    store("email,name,city\na@example.com,Anna,Pune\n")
    store("email,name,city,born\na@example.com,Anne,,2001\n")
    assert kept() == {"a@example.com": {"name": "Anne", "city": "Pune", "born": "2001"}}


def test_storing_again_into_the_same_list_doubles_nothing() -> None:
    first = store("email,name\na@example.com,Anna\n")
    second = store("email,city\na@example.com,Pune\nb@example.com,Ulm\n", list_id=first.list_id)
    assert second == Stored(first.list_id, "members", 1, known_count=1, updated_count=1)
    with db.reading() as session:
        assert contacts.field_names(session, ALICE, [first.list_id]) == ["name", "city"]
    assert counts_are_right()


def test_known_contacts_may_be_kept_as_they_are() -> None:
    first = store("email,name\na@example.com,Anna\nb@example.com,Ben\n")
    again = "email,name,city\na@example.com,Anne,Pune\nb@example.com,Ben,\nc@example.com,Cem,Ulm\n"
    kept_ones = contacts.store(ALICE, parse.parse_text(again), list_id=first.list_id, keep_known=True)
    assert kept_ones == Stored(first.list_id, "members", 1, known_count=2, updated_count=0)
    assert kept()["a@example.com"] == {"name": "Anna"} and kept()["c@example.com"] == {"name": "Cem", "city": "Ulm"}
    updated = contacts.store(ALICE, parse.parse_text(again), list_id=first.list_id)
    assert updated == Stored(first.list_id, "members", 0, known_count=3, updated_count=1)
    assert kept()["a@example.com"] == {"name": "Anne", "city": "Pune"} and counts_are_right()


def test_of_two_rows_with_one_address_the_later_wins_as_the_preview_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "CHUNK_ROWS", 1)  # the second row comes when the first is a contact already
    store("email,name\nben@example.com,Ben\n")
    text = "email,name,city\n" + "ann@example.com,Ann,Pune\nben@example.com,Benny,\n" * 6 + "ann@example.com,Anne,\n"
    read = parse.parse_text(text)
    assert read.duplicates[0].reason.endswith("that of this row is taken")
    assert dict(read.sample)["ann@example.com"] == {"name": "Anne", "city": "Pune"}
    done = contacts.store(ALICE, read, "more", keep_known=True)
    assert kept() == {"ann@example.com": {"name": "Anne", "city": "Pune"}, "ben@example.com": {"name": "Ben"}}
    assert (done.added_count, done.known_count, done.updated_count) == (2, 1, 0)


def test_a_field_that_a_contact_gets_becomes_one_of_its_lists() -> None:
    stored = store("a@example.com\nb@example.com")
    with db.session() as session:
        contact = book.page(session, ALICE).rows[0]
        book.save(session, ALICE, contact.id or 0, contact.email, {"city": "Pune", "empty": ""})
    with db.reading() as session:
        assert contacts.field_names(session, ALICE, [stored.list_id]) == ["city"]


def test_contacts_are_counted_as_they_are_searched() -> None:
    stored = store("anna@example.com\nanton@example.org\nben@example.com")
    store("zoe@example.com", user_id=CHARLIE)
    with db.reading() as session:
        found = {
            (search, list_id): book.count(session, ALICE, search, list_id)
            for search in ("", "an", "@example.com")
            for list_id in (None, stored.list_id)
        }
        assert found == {key: {"": 3, "an": 2, "@example.com": 2}[key[0]] for key in found}
        assert book.count(session, CHARLIE, "", stored.list_id) == 0


def test_an_export_is_complete_safe_and_can_be_read_again() -> None:
    first = store("email,name,sum\na@example.com,=1+1,-5\nb@example.com,Ben,\n")
    store("email,city\na@example.com,Pune\nc@example.com,Ulm\n", "others")
    rows = list(csv.reader("".join(export.contacts_csv(ALICE)).splitlines()))
    assert rows[0] == ["email", "name", "sum", "city", "added_at"]
    assert [row[:4] for row in rows[1:]] == [
        ["a@example.com", "'=1+1", "'-5", "Pune"],
        ["b@example.com", "Ben", "", ""],
        ["c@example.com", "", "", "Ulm"],
    ]
    text = "".join(export.contacts_csv(ALICE, first.list_id))
    assert dict(parse.parse_text(text).people())["a@example.com"]["name"] == "=1+1"
    assert "c@example.com" not in text
    with pytest.raises(NotFound):
        export.contacts_csv(CHARLIE, first.list_id)


def test_an_export_has_only_who_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "CHUNK_ROWS", 2)
    one = store("email,city,plan\n" + "".join(f"p{n}@example.com,{'Ulm' if n % 2 else 'Bonn'},\n" for n in range(9)))
    store("email,plan\np0@example.com,ulm\nzoe@example.com,Ulm\n", "others")
    store("email,city\nx@example.com,Ulm\n", user_id=CHARLIE)

    def exported(search: str, list_id: int | None = None) -> list[str]:
        lines = list(csv.reader("".join(export.contacts_csv(ALICE, list_id, search)).splitlines()))
        return [" ".join(lines[0]), *(line[0].partition("@")[0] for line in lines[1:])]

    assert exported("city:ulm", one.list_id) == ["email city added_at", "p1", "p3", "p5", "p7"]
    assert exported("ulm") == ["email city plan added_at", "p0", "p1", "p3", "p5", "p7", "zoe"]
    assert exported("nobody") == ["email added_at"]


def test_an_export_that_is_uploaded_again_changes_nothing() -> None:
    store("email,name\na@example.com,Anna\nb@example.com,Ben\n")
    before = kept()
    text = "".join(export.contacts_csv(ALICE))
    assert parse.parse_text(text).fields == ["name"] and store(text, "again").updated_count == 0
    assert kept() == before and "".join(export.contacts_csv(ALICE)) == text
    with db.reading() as session:
        assert contacts.field_names(session, ALICE) == ["name"]


def test_an_export_never_has_two_columns_of_one_name() -> None:
    exported = parse.parse_text("email,added_at\na@example.com,2026-01-02T03:04:05+00:00\n")
    contacts.store(ALICE, exported.with_fields({1: "added_at"}), "by hand")
    store("email,added_at\nb@example.com,at the fair\n", "others")
    rows = list(csv.reader("".join(export.contacts_csv(ALICE)).splitlines()))
    assert rows == [
        ["email", "added_at"],
        ["a@example.com", "2026-01-02T03:04:05+00:00"],
        ["b@example.com", "at the fair"],
    ]


def test_large_uploads_are_stored_in_chunks_with_progress(stack: Stack) -> None:
    told: list[int] = []
    text = "email,name\n" + "".join(f"p{n % 6_000}@example.com,P{n}\n" for n in range(6_200))
    stored = contacts.store(ALICE, parse.parse_text(text), "many", told.append)
    assert stored.added_count == 6_000 and counts_are_right()
    assert told[-1] == 6_200 and len(told) == (13 if stack.name == "sqlite" else 2)


def test_an_upload_looks_each_of_its_people_up_by_their_address() -> None:
    asked: list[tuple[str, Any]] = []

    def note(_on: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine(), "before_cursor_execute", note)
    store("a@example.com\nb@example.com")
    event.remove(db.engine(), "before_cursor_execute", note)
    about = [(statement, given) for statement, given in asked if "from contact where" in statement]
    with db.reading() as session:
        on = session.connection()
        if not db.is_sqlite():  # it has too few rows here to choose by itself
            for other in ("seqscan", "hashjoin", "mergejoin"):
                on.exec_driver_sql(f"set local enable_{other} = off")
        explain = "explain query plan" if db.is_sqlite() else "explain"
        plans = [str(on.exec_driver_sql(f"{explain} {each}", given).all()) for each, given in about]
    key = r"\(user_id=\? AND email=\?\)" if db.is_sqlite() else r"Index Cond: \(\(user_id = .* AND .*email"
    assert plans and all(re.search(key, plan) for plan in plans), plans


def test_two_uploads_of_one_user_at_once_lose_nothing(stack: Stack) -> None:
    failed: list[Exception] = []

    def upload(order: Callable[[list[int]], list[int]]) -> None:
        text = "\n".join(f"p{n}@example.com" for n in order(list(range(3_000))))
        try:
            store(text, "same name")
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=upload, args=(order,)) for order in (list, lambda all: all[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed and len(kept()) == 3_000 and counts_are_right()
    with db.reading() as session:
        assert [each.name for each in contacts.lists(session, ALICE)] == ["same name", "same name (2)"]


def test_a_crash_between_chunks_leaves_right_counts_and_may_be_repeated(stack: Stack) -> None:
    upload = parse.parse_text("\n".join(f"p{n}@example.com" for n in range(12_000)))

    def crash(done: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        contacts.store(ALICE, upload, "members", crash)
    assert 0 < len(kept()) < 12_000 and counts_are_right()
    with db.reading() as session:
        (begun,) = contacts.lists(session, ALICE)
    contacts.store(ALICE, upload, list_id=begun.id)
    assert len(kept()) == 12_000 and counts_are_right()


def test_nobody_to_store_is_refused_and_leaves_no_list() -> None:
    with pytest.raises(RuleError, match="no valid address"):
        store("email\nnobody\n")
    with pytest.raises(RuleError, match="name"):
        contacts.store(ALICE, parse.parse_text("a@example.com"), "x" * 201)
    with db.reading() as session:
        assert contacts.lists(session, ALICE) == []


def test_pages_hear_of_an_upload_after_the_commit() -> None:
    heard: list[live.Hint] = []
    live.start()
    undo = live.subscribe(heard.append)
    store("a@example.com")
    undo()
    if not config.settings.redis_url:
        assert live.Hint(ALICE, "audience") in heard


def test_an_audience_counts_each_person_once_and_tells_the_suppressed() -> None:
    one = store("a@example.com\nb@example.com").list_id
    two = store("b@example.com\nc@example.com").list_id
    with db.session() as session:
        suppression.suppress(session, ALICE, "b@example.com", "unsubscribed")
        suppression.suppress(session, ALICE, "elsewhere@example.com", "manual")
        suppression.suppress(session, CHARLIE, "a@example.com", "manual")
    with db.reading() as session:
        assert contacts.audience_count(session, ALICE, [one, two]) == AudienceCount(3, 1)
        assert contacts.audience_count(session, ALICE, [one]) == AudienceCount(2, 1)
        assert contacts.audience_count(session, ALICE, []) == AudienceCount(0, 0)


def test_a_preview_walks_through_the_people_of_the_lists_in_both_directions() -> None:
    one = store("a@example.com\nb@example.com").list_id
    two = store("b@example.com\nc@example.com").list_id
    with db.reading() as session:
        seen, at = [], 0
        while person := contacts.sample(session, ALICE, [one, two], after_id=at):
            seen.append(person.email)
            at = person.id or 0
        assert seen == ["a@example.com", "b@example.com", "c@example.com"]
        before = contacts.sample(session, ALICE, [one, two], before_id=at)
        assert before is not None and before.email == "b@example.com"
        assert contacts.sample(session, ALICE, []) is None


def test_the_merge_fields_of_a_list_are_named() -> None:
    one = store("email,name,city\na@example.com,Anna,\nb@example.com,Ben,Ulm\nc@example.com,,\n").list_id
    with db.reading() as session:
        assert contacts.field_names(session, ALICE, [one]) == ["name", "city"]


def test_a_list_is_renamed_unless_the_name_is_taken() -> None:
    one, _ = store("a@example.com", "one").list_id, store("a@example.com", "two")
    with db.session() as session:
        contacts.rename_list(session, ALICE, one, "  first  list ")
    with pytest.raises(RuleError, match="has this name"), db.session() as session:
        contacts.rename_list(session, ALICE, one, "two")
    with pytest.raises(RuleError, match="Give the list a name"), db.session() as session:
        contacts.rename_list(session, ALICE, one, " ")
    with db.reading() as session:
        assert [each.name for each in contacts.lists(session, ALICE)] == ["first list", "two"]


@pytest.mark.parametrize("status", ["scheduled", "sending", "paused"])
def test_a_list_in_use_is_not_deleted(status: str) -> None:
    one = store("a@example.com").list_id
    with db.session() as session:
        now = clock.utcnow()
        session.add(Campaign(id=1, user_id=ALICE, name="Spring", status=status, created_at=now, updated_at=now))
        session.flush()
        session.add(CampaignList(campaign_id=1, list_id=one))
    with pytest.raises(RuleError, match=f"“Spring” is {status}"), db.session() as session:
        contacts.delete_list(session, ALICE, one)
    with db.session() as session:
        session.get_one(Campaign, 1).status = "sent"
    with db.session() as session:
        contacts.delete_list(session, ALICE, one)
    with db.reading() as session:
        assert contacts.lists(session, ALICE) == []
    assert len(kept()) == 1


def test_a_list_deleted_while_an_upload_runs_ends_it_with_a_sentence() -> None:
    upload = parse.parse_text("\n".join(f"p{n}@example.com" for n in range(12_000)))

    def delete(done: int) -> None:
        with db.session() as session:
            for each in contacts.lists(session, ALICE):
                contacts.delete_list(session, ALICE, each.id or 0)

    with pytest.raises(NotFound, match="was deleted"):
        contacts.store(ALICE, upload, "members", delete)


def test_contacts_come_in_pages_by_address() -> None:
    store("\n".join(f"p{n:03}@example.com" for n in range(60)))
    with db.reading() as session:
        seen, after = [], None
        while True:
            page = book.page(session, ALICE, after=after)
            seen += [row.email for row in page.rows]
            if not page.more:
                break
            after = book.After(page.rows[-1].email, page.rows[-1].id or 0)
        assert seen == [f"p{n:03}@example.com" for n in range(60)]
        assert book.count(session, ALICE) == 60


def test_contacts_are_found_by_the_beginning_of_the_address_or_of_the_domain() -> None:
    one = store("anna@example.com\nAnna.lee@example.org\nhannah@example.com\nbob@other.net").list_id
    two = store("anna@example.com\nzed@example.com").list_id

    def found(search: str, list_id: int | None = None) -> list[str]:
        with db.reading() as session:
            return [row.email for row in book.page(session, ALICE, search=search, list_id=list_id).rows]

    assert found("ANNA@") == ["anna@example.com"] and found("Anna.lee@") == ["anna.lee@example.org"]
    assert found("@example.com") == ["anna@example.com", "hannah@example.com", "zed@example.com"]
    assert found("@exam", one) == ["anna@example.com", "hannah@example.com", "anna.lee@example.org"]
    assert found("anna@", two) == ["anna@example.com"]
    assert found("%") == found("_") == []
    assert len(found("", one)) == 4 and found("", two) == ["anna@example.com", "zed@example.com"]


INTERNATIONAL = ["@müller.de", "@MÜLLER", "müller", "Mu\u0308ller.de", "kunde@müller.de", "kunde@xn--mller-kva.de"]


@pytest.mark.parametrize("search", [*INTERNATIONAL, "@xn--mller-kva.de", "xn--mller-kva"])
def test_an_international_domain_is_found_by_its_letters_and_as_it_is_kept(search: str) -> None:
    one = store("kunde@müller.de\nkunde@mueller.de\nkunde@möller.de").list_id
    store("kunde@müller.de", user_id=CHARLIE)
    with db.reading() as session:
        for list_id in (None, one):
            found = book.page(session, ALICE, search=search, list_id=list_id).rows
            assert [row.email for row in found] == ["kunde@xn--mller-kva.de"]
            assert book.count(session, ALICE, search, list_id) == 1
        assert [each.email for each in find(session, ALICE, [one], search)] == ["kunde@xn--mller-kva.de"]


@pytest.mark.parametrize("search", ["mül", "@mül", "MÜL", "kunde@mü", "info@shop.mül", "@shop.mül"])
def test_an_international_domain_is_found_by_its_first_letters(search: str) -> None:
    wanted = "info@shop.müller.de" if "shop" in search else "kunde@müller.de"
    one = store(f"{wanted}\nkunde@mueller.de\nkunde@möller.de\ninfo@shop.möller.de").list_id
    store(wanted, user_id=CHARLIE)
    with db.reading() as session:
        for list_id in (None, one):
            found = book.page(session, ALICE, search=search, list_id=list_id).rows
            assert [addresses.shown(row.email) for row in found] == [wanted]
            assert book.count(session, ALICE, search, list_id) == 1


NAMED = r"""email,name,note
a@example.com,Anna Müller,"50% ""off"" \o/"
b@example.com,MÜLLER,x_y
c@example.com,Иван Öz,🎉 party in IZMIR
annabel@example.com,Ben,İzmir
"""


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("müller", "ab"),
        ("anna m", "aA"),
        ("ANNA", "aA"),
        ("иВАН", "c"),
        ("öz", "c"),
        ("🎉", "c"),
        ("%", "a"),
        ("_", "b"),
        ('"off" \\', "a"),
        ("o/", "a"),
        ("zmir", "Ac"),
        ("İzmir", "Ac"),
        ("izmir", "Ac"),
        ("IZMIR", "Ac"),
        ("İZMİR", "Ac"),
        ("name", ""),  # of a field
        ('","', ""),
        ("müller x", "ab"),
        ("müller zz", ""),
        ("zzz", ""),
        ("a@", "a"),
    ],
)
def test_contacts_are_found_by_what_stands_in_their_merge_fields(search: str, wanted: str) -> None:
    one = store(NAMED).list_id
    store("email,name\nz@example.com,Anna Müller\n", "other")
    store(NAMED, user_id=CHARLIE)
    store("ann@example.com\nzzz@example.org", "empty", user_id=CHARLIE)
    emails = [{"A": "annabel"}.get(letter, letter) + "@example.com" for letter in wanted]
    with db.reading() as session:
        page = book.page(session, ALICE, search=search, list_id=one)
        assert sorted(row.email for row in page.rows) == sorted(emails)
        assert book.count(session, ALICE, search, one) == len(emails)
        everywhere = book.page(session, ALICE, search=search).rows
        assert len(everywhere) == len(emails) + (search in ("müller", "müller x", "anna m", "ANNA"))


PEOPLE = """email,first_name,last_name
kunde_0123@gmx-web.example,Zoë,Weiß
kunde9999@gmx-web.example,Zoë,Braun
kunde0123@shop.example,Anna,Weiß
anna@müllerei.example,Ben,Cem
"""


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("Zoë Weiß", [0]),
        ("weiß  ZOË", [0]),
        ("web 123 zoë", [0]),
        ("gmx", [0, 1]),
        ("unde_01", [0]),
        ("weiß e_0", [0]),
        ("gmx-web.example braun", [1]),
        ("unde", [0, 1, 2]),
        ("zoë @gmx", [0, 1]),
        ("weiß kunde0123@sh", [2]),
        ("zoë zoë anna", []),
        ("üllerei", [3]),
        ("cem müll", [3]),
        ("ben @müll", [3]),
        ("zoë weiß kunde gmx " * 40, [0]),
    ],
)
def test_each_word_is_found_anywhere_in_a_contact(search: str, wanted: list[int]) -> None:
    one = store(PEOPLE).list_id
    store(PEOPLE, user_id=CHARLIE)
    emails = [addresses.one(line.partition(",")[0]) for line in PEOPLE.splitlines()[1:]]
    with db.reading() as session:
        for list_id in (None, one):
            page = book.page(session, ALICE, search=search, list_id=list_id)
            assert sorted(row.email for row in page.rows) == sorted(emails[at] for at in wanted)
            assert book.count(session, ALICE, search, list_id) == page.total == len(wanted)
        assert [each.email for each in find(session, ALICE, [one], search)] == sorted(emails[at] for at in wanted)
        assert find(session, CHARLIE, [one], search) == []


TOWNS = r"""email,city,first_name,note
a@example.com,Berlin,Anna,9:30
b@example.com,New  York,İrem,berlin:ulm
berlin@example.com,York,Ben,"the ""new york"" one, b@x"
c@example.com,NEW YORK,Anna,city
d@example.com,Müllheim,Berlin,100%_
"""


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("city:berlin", "a"),
        ("City:BERL", "a"),
        ("berlin", "aBbd"),
        ("city:york", "bBc"),
        ('city:"new york"', "c"),
        ("city:“New York”", "c"),
        ('city:"new yo', "c"),
        ("city:new york", "bc"),
        ("city:new anna", "c"),
        ("first-name:berlin", "d"),
        ("firstName:irem", "b"),
        ("first_name:anna city:york", "c"),
        ("city:anna", ""),
        ("city:müll", "d"),
        ("city: york", "bBc"),
        ("note:%_", "d"),
        ("note:b@x", "B"),
        ("note:9:30", "a"),
        ("note:city", "c"),
        ("9:30", "a"),
        ("berlin:ulm", "b"),
        ('berlin:"u lm"', ""),
        ("email:a", ""),
        ("town:berlin", ""),
        ("city:' or 1=1 --", ""),
        ("city:", "abBcd"),
    ],
)
def test_a_word_is_found_in_one_field_that_is_named_before_it(search: str, wanted: str) -> None:
    one = store(TOWNS).list_id
    store("email,city,town\nz@example.com,Berlin York,Berlin\n", user_id=CHARLIE)
    emails = sorted({"B": "berlin"}.get(letter, letter) + "@example.com" for letter in wanted)
    with db.reading() as session:
        for list_id in (None, one):
            page = book.page(session, ALICE, search=search, list_id=list_id)
            assert sorted(row.email for row in page.rows) == emails
            assert book.count(session, ALICE, search, list_id) == len(emails)


@pytest.mark.parametrize("most", [10, 1_000])
@pytest.mark.parametrize("in_list", [False, True])
def test_many_who_are_found_by_a_merge_field_come_in_pages_too(
    most: int, in_list: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matches, "MOST_COUNTED", most)
    one = store("email,town\n" + "".join(f"p{n * 7 % 60:03}@example.com,Ulm\n" for n in range(60))).list_id
    store("".join(f"q{n}@example.com\n" for n in range(60)), "others")
    seen: list[str] = []
    after = None
    with db.reading() as session:
        while True:
            page = book.page(session, ALICE, search="ulm", list_id=one if in_list else None, after=after, limit=7)
            assert (page.total, page.over) == ((10, True) if most == 10 else (60, False))
            seen += [row.email for row in page.rows]
            if not page.more:
                break
            after = book.After(page.rows[-1].email, page.rows[-1].id or 0)
    assert seen == [f"p{n:03}@example.com" for n in range(60)]


def test_letters_before_the_at_sign_are_found_beside_those_after_it_page_by_page() -> None:
    store("\n".join(f"jörg{n}@example.com\nn{n}@jörg.example" for n in range(5)))
    seen, after = [], None
    with db.reading() as session:
        while len(seen) < 10:
            (row,) = book.page(session, ALICE, search="jörg", after=after, limit=1).rows
            seen.append(row.email)
            after = book.After(row.email, row.id or 0)
        assert not book.page(session, ALICE, search="jörg", after=after).rows
    assert seen == [*(f"jörg{n}@example.com" for n in range(5)), *(f"n{n}@xn--jrg-sna.example" for n in range(5))]


def test_an_export_has_domains_with_their_letters() -> None:
    first = store("kunde@müller.de")
    assert "".join(export.contacts_csv(ALICE, first.list_id)).splitlines()[1].startswith("kunde@müller.de,")
    with db.session() as session:
        suppression.suppress(session, ALICE, "kunde@müller.de", "manual")
    assert "".join(export.suppressed_csv(ALICE)).splitlines()[1].startswith("kunde@müller.de,manual,")


@pytest.mark.parametrize("search", ["", "p", "@example"])
@pytest.mark.parametrize("in_list", [False, True])
def test_every_way_to_page_shows_everybody_once(search: str, in_list: bool) -> None:
    one = store("\n".join(f"p{n * 7 % 60:03}@example{n % 3}.com" for n in range(60))).list_id
    with db.reading() as session:
        seen: list[str] = []
        after = None
        while True:
            page = book.page(session, ALICE, search=search, list_id=one if in_list else None, after=after, limit=7)
            seen += [row.email for row in page.rows]
            if not page.more:
                break
            after = book.After(page.rows[-1].email, page.rows[-1].id or 0)
    assert len(seen) == 60 == len(set(seen))


def test_a_contact_is_edited() -> None:
    store("email,name\na@example.com,Anna\nb@example.com,Ben\n")
    with db.session() as session:
        (anna, _) = book.page(session, ALICE).rows
        book.save(session, ALICE, anna.id or 0, " Anne@Example.ORG ", {"name": " Anne ", "city": ""})
    assert kept() == {"anne@example.org": {"name": "Anne"}, "b@example.com": {"name": "Ben"}}
    with pytest.raises(RuleError, match="has this address"), db.session() as session:
        book.save(session, ALICE, anna.id or 0, "b@example.com", {})
    with pytest.raises(RuleError, match="no @ sign"), db.session() as session:
        book.save(session, ALICE, anna.id or 0, "nobody", {})


def test_a_contact_is_added_to_lists_and_a_known_one_stays_as_they_are() -> None:
    one, two = store("email,name\nb@example.com,Ben\n").list_id, store("b@example.com", "two").list_id
    with db.session() as session:
        added = book.add(
            session, ALICE, " Anna@Example.com", {"name": " Anna\0 ", "city": "", "town": "Ulm"}, [one, two]
        )
        assert added.is_new and book.lists_of(session, ALICE, added.contact_id) == {one, two}
        assert book.add(session, ALICE, "anna@example.com", {"name": "Else"}, []) == (added.contact_id, False)
        assert contacts.field_names(session, ALICE, [two]) == ["name", "town"]
    assert kept() == {"anna@example.com": {"name": "Anna", "town": "Ulm"}, "b@example.com": {"name": "Ben"}}
    assert counts_are_right()
    for email, fields, list_ids, why in (
        ("nobody", {}, [], "no @ sign"),
        ("c@example.com", {"name": "x" * 10_001}, [], "more than 10,000"),
        ("c@example.com", {}, [one, 999], "no such list"),
    ):
        with pytest.raises(RuleError, match=why), db.session() as session:
            book.add(session, ALICE, email, fields, list_ids)
    assert "c@example.com" not in kept() and counts_are_right()


def test_an_edited_contact_joins_and_leaves_lists_with_right_counts() -> None:
    one, two = store("a@example.com\nb@example.com").list_id, store("b@example.com", "two").list_id
    with db.session() as session:
        anna = book.page(session, ALICE).rows[0].id or 0
        for _ in range(2):  # said twice, from two tabs
            book.save(session, ALICE, anna, "a@example.com", {"town": "Ulm"}, join=[two], leave=[one, 999])
        assert book.lists_of(session, ALICE, anna) == {two}
        assert {each.name: each.contact_count for each in contacts.lists(session, ALICE)} == {"members": 1, "two": 2}
        assert contacts.field_names(session, ALICE, [one]) == [] and contacts.field_names(session, ALICE) == ["town"]
    assert counts_are_right()


def test_a_deleted_contact_leaves_its_lists_with_right_counts() -> None:
    store("a@example.com\nb@example.com")
    store("a@example.com")
    with db.session() as session:
        (anna, _) = book.page(session, ALICE).rows
        book.delete_contact(session, ALICE, anna.id or 0)
    assert list(kept()) == ["b@example.com"] and counts_are_right()
    with pytest.raises(NotFound), db.session() as session:
        book.delete_contact(session, ALICE, anna.id or 0)


def test_a_deleted_contact_comes_back_into_the_lists_that_are_there() -> None:
    store("email,name\na@example.com,Anna\nb@example.com,Ben\n")
    gone_list = store("a@example.com").list_id
    with db.session() as session:
        (anna, _) = book.page(session, ALICE).rows
        deleted = book.delete_contact(session, ALICE, anna.id or 0)
        contacts.delete_list(session, ALICE, gone_list)
        book.put_back(session, CHARLIE, deleted)  # a stranger gets nothing of hers but the address they name
        book.put_back(session, ALICE, deleted)
    assert kept() == {"a@example.com": {"name": "Anna"}, "b@example.com": {"name": "Ben"}} and counts_are_right()
    with db.reading() as session:
        assert [each.contact_count for each in contacts.lists(session, ALICE)] == [2]
        assert contacts.lists(session, CHARLIE) == []
        assert book.page(session, ALICE).rows[0].created_at == anna.created_at
    with pytest.raises(RuleError, match="has this address"), db.session() as session:
        book.put_back(session, ALICE, deleted)


def test_a_page_is_found_by_its_number_too() -> None:
    store("\n".join(f"p{number}@example.com" for number in range(1, 6)))
    with db.reading() as session:
        page = book.page(session, ALICE, skip=2, limit=2)
        assert [row.email for row in page.rows] == ["p3@example.com", "p4@example.com"] and page.more


def test_a_stranger_sees_and_changes_nothing() -> None:
    one = store("email,name\na@example.com,Anna\n").list_id
    with db.reading() as session:
        (anna,) = book.page(session, ALICE).rows
        assert contacts.lists(session, CHARLIE) == [] and book.page(session, CHARLIE).rows == []
        assert book.page(session, CHARLIE, list_id=one).rows == []
        assert contacts.audience_count(session, CHARLIE, [one]) == AudienceCount(0, 0)
        assert contacts.sample(session, CHARLIE, [one]) is None
        assert contacts.field_names(session, CHARLIE, [one]) == []
        assert book.count(session, CHARLIE) == 0 and book.lists_of(session, CHARLIE, anna.id or 0) == set()
    with pytest.raises(NotFound):
        store("c@example.com", user_id=CHARLIE, list_id=one)
    with db.session() as session:
        charlies = book.add(session, CHARLIE, "c@example.com", {}).contact_id
        book.save(session, CHARLIE, charlies, "c@example.com", {}, leave=[one])
    for attempt in (
        lambda session: contacts.get_list(session, CHARLIE, one),
        lambda session: contacts.rename_list(session, CHARLIE, one, "mine"),
        lambda session: contacts.delete_list(session, CHARLIE, one),
        lambda session: book.get(session, CHARLIE, anna.id or 0),
        lambda session: book.save(session, CHARLIE, anna.id or 0, "c@example.com", {}),
        lambda session: book.save(session, CHARLIE, anna.id or 0, "c@example.com", {}, leave=[one]),
        lambda session: book.save(session, CHARLIE, charlies, "c@example.com", {}, join=[one]),
        lambda session: book.add(session, CHARLIE, "d@example.com", {}, [one]),
        lambda session: book.delete_contact(session, CHARLIE, anna.id or 0),
    ):
        with pytest.raises(NotFound), db.session() as session:
            attempt(session)
    assert (
        kept() == {"a@example.com": {"name": "Anna"}} and kept(CHARLIE) == {"c@example.com": {}} and counts_are_right()
    )
