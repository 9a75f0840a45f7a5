import pytest

from core import clock, db
from core.audience import addresses, export, parse, suppression
from core.errors import NotFound, RuleError
from core.models import User
from tests.conftest import Stack

ALICE, CHARLIE = 1, 2


@pytest.fixture(autouse=True)
def people(stack: Stack) -> None:
    with db.session() as session:
        for number, name in ((ALICE, "alice"), (CHARLIE, "charlie")):
            session.add(User(id=number, email=f"{name}@example.com", password_hash="x", created_at=clock.utcnow()))


def test_an_address_is_suppressed_once_and_keeps_its_first_reason() -> None:
    with db.session() as session:
        assert suppression.suppress(session, ALICE, " Anna@Example.com ", "bounced", 7, "550 5.1.1 No such user")
        assert not suppression.suppress(session, ALICE, "anna@example.com", "unsubscribed")
        assert suppression.is_suppressed(session, ALICE, "ANNA@example.com")
        (row,) = suppression.page(session, ALICE).rows
        assert (row.email, row.reason, row.message_id, row.detail) == (
            "anna@example.com",
            "bounced",
            7,
            "550 5.1.1 No such user",
        )


def test_an_address_is_allowed_again() -> None:
    with db.session() as session:
        suppression.suppress(session, ALICE, "anna@example.com", "manual")
        suppression.lift(session, ALICE, "Anna@example.com")
        assert not suppression.is_suppressed(session, ALICE, "anna@example.com")
        with pytest.raises(NotFound):
            suppression.lift(session, ALICE, "anna@example.com")


def test_what_was_lifted_comes_back_as_it_was() -> None:
    with db.session() as session:
        suppression.suppress(session, ALICE, "anna@example.com", "bounced", 7, "550 no")
        (before,) = suppression.page(session, ALICE).rows
        lifted = suppression.lift(session, ALICE, "anna@example.com")
        suppression.put_back(session, ALICE, lifted)
        (after,) = suppression.page(session, ALICE).rows
        assert after.model_dump(exclude={"id"}) == before.model_dump(exclude={"id"})
        suppression.put_back(session, ALICE, lifted)  # twice is once
        assert suppression.count(session, ALICE) == 1


def test_what_is_no_address_or_no_reason_is_refused() -> None:
    with pytest.raises(RuleError), db.session() as session:
        suppression.suppress(session, ALICE, "  ", "manual")
    with pytest.raises(ValueError, match="bored"), db.session() as session:
        suppression.suppress(session, ALICE, "anna@example.com", "bored")


def test_the_list_comes_in_pages_the_newest_first_and_is_searched() -> None:
    with db.session() as session:
        for number in range(30):
            suppression.suppress(session, ALICE, f"p{number:02}@example.com", "manual")
    with db.reading() as session:
        first = suppression.page(session, ALICE)
        rest = suppression.page(session, ALICE, before_id=first.rows[-1].id)
        assert first.more and not rest.more
        assert [row.email for row in first.rows + rest.rows] == [f"p{n:02}@example.com" for n in reversed(range(30))]
        assert [row.email for row in suppression.page(session, ALICE, search="P07").rows] == ["p07@example.com"]
        assert suppression.count(session, ALICE) == 30


def test_the_list_is_narrowed_to_a_reason_in_its_pages_its_numbers_and_its_export() -> None:
    with db.session() as session:
        for number in range(9):
            suppression.suppress(session, ALICE, f"p{number}@example.com", ("bounced", "manual")[number % 3 == 0])
        suppression.suppress(session, CHARLIE, "x@example.com", "complained")
    with db.reading() as session:
        first = suppression.page(session, ALICE, reason="bounced", limit=4)
        rest = suppression.page(session, ALICE, reason="bounced", limit=4, before_id=first.rows[-1].id)
        assert [row.email[:2] for row in first.rows + rest.rows] == ["p8", "p7", "p5", "p4", "p2", "p1"]
        assert first.more and not rest.more
        assert suppression.counts(session, ALICE) == {"bounced": 6, "manual": 3}
        assert suppression.counts(session, ALICE, "p3") == {"manual": 1}
        assert suppression.page(session, ALICE, search="p3", reason="bounced").rows == []
    assert len("".join(export.suppressed_csv(ALICE, reason="manual")).splitlines()) == 1 + 3


@pytest.mark.parametrize("search", ["müller", "@müller.de", "kunde@müller", "@xn--mller-kva", "KUNDE@xn--"])
def test_an_international_domain_is_found_by_its_letters_and_as_it_is_kept(search: str) -> None:
    with db.session() as session:
        suppression.suppress(session, ALICE, "kunde@müller.de", "manual")
        suppression.suppress(session, ALICE, "anna@example.com", "manual")
        suppression.suppress(session, CHARLIE, "kunde@müller.de", "manual")
    with db.reading() as session:
        found = suppression.page(session, ALICE, search=search).rows
        assert [row.email for row in found] == ["kunde@xn--mller-kva.de"]
        assert suppression.count(session, ALICE, search) == 1
        assert [row.email for row in suppression.page(session, ALICE, search="@exam").rows] == ["anna@example.com"]


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("GMX", [0, 1]),
        ("web kunde", [0]),
        ("unde_0", [0]),
        ("llerei", [3]),
        ("üllerei", [3]),
        ("anna müll", [3]),
        ("ann @müll", [3]),
        ("kunde@g", [1]),
        ("%", []),
        ("a:anna", []),
    ],
)
def test_each_word_is_found_anywhere_in_a_suppressed_address(search: str, wanted: list[int]) -> None:
    emails = ["kunde_01@gmx-web.example", "kunde@gmx.example", "info@shop.example", "anna@müllerei.example"]
    with db.session() as session:
        for email in emails:
            suppression.suppress(session, ALICE, email, "manual")
            suppression.suppress(session, CHARLIE, email, "manual")
    with db.reading() as session:
        found = suppression.page(session, ALICE, search=search).rows
        assert sorted(addresses.shown(row.email) for row in found) == sorted(emails[at] for at in wanted)
        assert suppression.count(session, ALICE, search) == len(wanted)
    assert len("".join(export.suppressed_csv(ALICE, search)).splitlines()) == 1 + len(wanted)


def test_the_suppressed_among_many_are_counted_once_each() -> None:
    with db.session() as session:
        assert suppression.count_among(session, ALICE, ["a@example.com"]) == 0
        for name in ("a", "b", "elsewhere"):
            suppression.suppress(session, ALICE, f"{name}@example.com", "manual")
        emails = [f"p{n}@example.com" for n in range(6_000)] + ["a@example.com", "b@example.com", "a@example.com"]
        assert suppression.count_among(session, ALICE, emails) == 2
        assert suppression.count_among(session, CHARLIE, emails) == 0
        assert suppression.among(session, ALICE, emails[-4:]) == {"a@example.com", "b@example.com"}
        assert suppression.among(session, CHARLIE, emails[-4:]) == set()


def test_a_stranger_sees_and_changes_nothing() -> None:
    with db.session() as session:
        suppression.suppress(session, ALICE, "anna@example.com", "manual")
    with db.session() as session:
        assert suppression.page(session, CHARLIE).rows == [] and suppression.count(session, CHARLIE) == 0
        assert not suppression.is_suppressed(session, CHARLIE, "anna@example.com")
        with pytest.raises(NotFound):
            suppression.lift(session, CHARLIE, "anna@example.com")
        assert suppression.suppress(session, CHARLIE, "anna@example.com", "manual")
        assert suppression.is_suppressed(session, ALICE, "anna@example.com")


def test_many_are_suppressed_at_once_each_told_and_those_that_were_stay_as_they_are(stack: Stack) -> None:
    with db.session() as session:
        suppression.suppress(session, ALICE, "p1@example.com", "bounced")
    text = "\n".join(f"p{number % 600}@example.com" for number in range(1_200)) + "\nnobody"
    told = suppression.suppress_all(ALICE, parse.parse_text(text))
    assert (told.added_count, told.known_count, told.invalid_count, len(told.outcomes)) == (599, 1, 1, 600)
    assert not dict(told.outcomes)["p1@example.com"] and dict(told.outcomes)["p2@example.com"]
    with db.reading() as session:
        assert (suppression.count(session, ALICE), suppression.count(session, CHARLIE)) == (600, 0)
        assert suppression.page(session, ALICE, search="p1@").rows[0].reason == "bounced"
