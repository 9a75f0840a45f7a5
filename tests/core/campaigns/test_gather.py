"""Lists of what became of a campaign's recipients."""

import pytest
from sqlmodel import Session, col, select

from core import campaigns, db
from core.audience import book, contacts, parse
from core.campaigns import gather
from core.campaigns.gather import Gathered, Who
from core.errors import NotFound, RuleError
from core.models import Campaign, CampaignLink, CampaignList, Contact, ContactList, LinkClick, ListMember, Message
from tests import rows
from tests.core.campaigns.rows import user

SHOP, BLOG = "https://shop.example/?n={{ plz }}", "https://blog.example/"
STATES = {
    "sent": ["opened", "clicked", "quiet", "silent", "bounced", "complained", "left", "left_later"],
    "failed": ["dead"],
    "pending": ["waits"],
    "unknown": ["doubt"],
    "suppressed": ["gone_before"],
    "cancelled": ["stopped"],
}
FACTS = {
    "opened": ["opened_at"],
    "clicked": ["opened_at", "clicked_at"],
    "bounced": ["bounced_at"],
    "complained": ["complained_at"],
    "left": ["unsubscribed_at"],
    "left_later": ["opened_at", "clicked_at", "unsubscribed_at"],
}
GOT_IT = set(STATES["sent"])
GROUPS = {
    Who.sent: GOT_IT,
    Who.opened: {"opened", "clicked", "left_later"},
    Who.not_opened: {"quiet", "silent"},
    Who.clicked: {"clicked", "left_later"},
    Who.not_clicked: {"opened", "quiet", "silent"},
    Who.failed: {"dead"},
}


def email(name: str) -> str:
    return f"{name}@example.com"


@pytest.fixture
def campaign(alice: int) -> int:
    """Sent to a contact of each kind, each of whom has a merge field of their own."""
    people = [email(name) for names in STATES.values() for name in names]
    sheet = "email,plz\n" + "".join(f"{address},{number}\n" for number, address in enumerate(people))
    contacts.store(alice, parse.parse_text(sheet), "All")
    with db.session() as session:
        rows.campaign(session, alice, {"sent": [email("quiet"), email("opened")]}, status="sent")  # another one
        states = {state: [email(name) for name in names] for state, names in STATES.items()}
        made = rows.campaign(session, alice, states, status="sent")
        for name, facts in FACTS.items():
            for fact in facts:
                setattr(_message(session, made, name), fact, db.now(session))
        for url, names in ((SHOP, ["clicked", "left_later"]), (BLOG, ["clicked"])):
            link = CampaignLink(campaign_id=made, url=url)
            session.add(link)
            session.flush()
            for name in names:
                message = _message(session, made, name)
                session.add(LinkClick(link_id=link.id or 0, message_id=message.id or 0, at=db.now(session)))
    return made


def _message(session: Session, campaign_id: int, name: str) -> Message:
    wanted = select(Message).where(col(Message.campaign_id) == campaign_id, col(Message.email) == email(name))
    return session.exec(wanted).one()


def made(user_id: int, campaign_id: int, who: Who, url: str = "", name: str = "Chosen") -> tuple[int, Gathered]:
    with db.session() as session:
        list_id = gather.begin(session, user_id, campaign_id, name)
    return list_id, gather.fill(user_id, campaign_id, list_id, who, url)


def on(list_id: int) -> set[str]:
    """Their names, after checking that the list counts them."""
    with db.reading() as session:
        joined = select(Contact.email).join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        found = list(session.exec(joined.where(col(ListMember.list_id) == list_id)))
        assert session.get_one(ContactList, list_id).contact_count == len(found)
    return {address.partition("@")[0] for address in found}


@pytest.mark.parametrize("rows_at_once", [2, 500])
def test_every_group_is_exactly_those_whom_it_names(
    alice: int, campaign: int, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "chunk_rows", lambda session: rows_at_once)
    for who, expected in GROUPS.items():
        list_id, told = made(alice, campaign, who)
        assert on(list_id) == expected, who
        assert told == Gathered(len(expected), 0)
    for url, names in ((SHOP, {"clicked", "left_later"}), (BLOG, {"clicked"}), ("https://no.example", set[str]())):
        list_id, told = made(alice, campaign, Who.link, url)
        assert on(list_id) == names
    with db.reading() as session:
        assert gather.counts(session, alice, campaign) == {who: len(names) for who, names in GROUPS.items()}


def test_the_list_has_the_merge_fields_and_a_name_that_is_free(alice: int, campaign: int) -> None:
    list_ids = [made(alice, campaign, Who.opened, name=" Opened:  News ")[0] for _ in range(2)]
    with db.reading() as session:
        lists = [contacts.get_list(session, alice, list_id) for list_id in list_ids]
    assert [(each.name, each.fields) for each in lists] == [("Opened: News", ["plz"]), ("Opened: News (2)", ["plz"])]
    with db.session() as session, pytest.raises(RuleError, match="Give the list a name"):
        gather.begin(session, alice, campaign, "  ")


def test_who_is_no_contact_any_more_is_told_and_nobody_takes_their_place(alice: int, campaign: int) -> None:
    with db.session() as session:
        newest = session.exec(select(Contact).order_by(col(Contact.id).desc())).first()
        assert newest is not None
        message = _message(session, campaign, "silent")
        message.contact_id = newest.id
        book.delete_contact(session, alice, newest.id or 0)
    with db.session() as session:  # on SQLite under the number that is free again
        book.add(session, alice, "new@example.com", {})
        quiet = session.exec(select(Contact.id).where(col(Contact.email) == email("quiet"))).one()
        book.delete_contact(session, alice, quiet or 0)
    list_id, told = made(alice, campaign, Who.not_opened)
    assert (on(list_id), told) == ({"silent"}, Gathered(1, 1))


def test_a_second_run_adds_who_is_missing_and_doubles_nobody(
    alice: int, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "chunk_rows", lambda session: 3)
    with db.session() as session:
        list_id = gather.begin(session, alice, campaign, "Got it")

    def die(seen: int) -> None:
        if seen > 3:
            raise OSError("the power is gone")

    with pytest.raises(OSError, match="the power is gone"):
        gather.fill(alice, campaign, list_id, Who.sent, progress=die)
    assert on(list_id) == set(STATES["sent"][:6])
    told = list[int]()
    assert gather.fill(alice, campaign, list_id, Who.sent, progress=told.append) == Gathered(8, 0)
    assert on(list_id) == GOT_IT
    assert told == [3, 6, 9, 12, 13]


def test_a_stranger_gathers_nothing_and_fills_nothing(alice: int, campaign: int) -> None:
    with db.session() as session:
        charlie = user(session, "charlie@example.com")
        own = contacts.create_list(session, charlie, "Mine")
        alices = contacts.create_list(session, alice, "Alice's")
    contacts.store(charlie, parse.parse_text(email("opened")), list_id=own)
    with db.reading() as session, pytest.raises(NotFound):
        gather.counts(session, charlie, campaign)
    with db.session() as session, pytest.raises(NotFound):
        gather.begin(session, charlie, campaign, "Theirs")
    with db.session() as session, pytest.raises(NotFound):
        gather.copy_to(session, charlie, campaign, own)
    with pytest.raises(NotFound):
        gather.fill(charlie, campaign, own, Who.sent)
    with pytest.raises(NotFound):
        gather.fill(alice, campaign, own, Who.sent)
    with db.session() as session, pytest.raises(NotFound):
        gather.draft_to(session, charlie, alices)
    assert (on(own), on(alices)) == ({"opened"}, set())


def test_a_campaign_or_a_list_that_is_deleted_meanwhile_ends_it_with_a_sentence(
    alice: int, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "chunk_rows", lambda session: 3)
    with db.session() as session:
        first, second = (gather.begin(session, alice, campaign, "News") for _ in range(2))

    def delete_list(_: int) -> None:
        with db.session() as session:
            contacts.delete_list(session, alice, first)

    with pytest.raises(NotFound, match="The list was deleted"):
        gather.fill(alice, campaign, first, Who.sent, progress=delete_list)

    def delete_campaign(_: int) -> None:
        with db.session() as session:
            campaigns.delete(session, alice, campaign)

    with pytest.raises(NotFound, match="There is no such campaign"):
        gather.fill(alice, campaign, second, Who.sent, progress=delete_campaign)
    assert on(second) == set(STATES["sent"][:3])


def test_a_draft_to_the_list_and_a_copy_that_leaves_out_whom_the_campaign_left_out(alice: int, campaign: int) -> None:
    list_id, _ = made(alice, campaign, Who.not_opened)
    with db.session() as session:
        everybody, out = (contacts.create_list(session, alice, name) for name in ("Everybody", "Customers"))
        session.add(CampaignList(campaign_id=campaign, list_id=everybody))
        session.add(CampaignList(campaign_id=campaign, list_id=out, is_left_out=True))
    with db.session() as session:
        new, copy = gather.draft_to(session, alice, list_id), gather.copy_to(session, alice, campaign, list_id)
    assert (new.status, copy.status, copy.subject) == ("draft", "draft", "News")
    with db.reading() as session:
        for draft, left_out in ((new, []), (copy, [out])):
            assert campaigns.list_ids(session, alice, draft.id or 0) == [list_id]
            assert campaigns.left_out_ids(session, alice, draft.id or 0) == left_out
        assert {new.id, copy.id} <= {each.id for each in campaigns.list_all(session, alice)}
        assert session.get_one(Campaign, campaign).status == "sent"
