from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from core import campaigns, db, stats
from core.audience import contacts
from core.delivery import senders
from core.errors import NotFound, RuleError
from core.models import UNDO_FOR, Campaign, CampaignList, CampaignStatus, Sender
from tests import rows
from tests.core.campaigns.rows import NOW, contact_list, id_of, put, read


def test_a_new_draft_takes_the_default_sender_and_the_users_zone(alice: int) -> None:
    with db.session() as session:
        chosen = Sender(user_id=alice, name="Mine", from_address="a@b.example", is_default=True, created_at=NOW)
        session.add(chosen)
        session.flush()
        campaign = campaigns.create(session, alice)
        assert (campaign.status, campaign.sender_id, campaign.time_zone) == ("draft", id_of(chosen), "Asia/Kolkata")


def test_a_draft_that_was_left_untouched_is_in_no_list_and_begun_again(
    alice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.session() as session:
        first, other = campaigns.begin(session, alice), campaigns.begin(session, alice)
        assert other != first and campaigns.list_all(session, alice) == []  # the first may be about to be opened
        monkeypatch.setattr(db, "clock_offset", timedelta(minutes=2))
        assert campaigns.begin(session, alice, in_use=[other]) == first  # which is as new then
        assert campaigns.begin(session, alice) == other and stats.summaries(session, alice) == []
        assert stats.count_by_status(session, alice) == {} and stats.find(session, alice, "") == []
        campaigns.save_draft(session, alice, first, 1, subject="Typed")
        assert [each.id for each in stats.summaries(session, alice)] == [first]
        campaigns.set_lists(session, alice, other, [])
        assert campaigns.begin(session, alice) not in (first, other)
        assert stats.count_by_status(session, alice) == {"draft": 2}


def test_what_is_typed_is_kept_and_counted_as_a_version(alice: int, draft: int) -> None:
    with db.session() as session:
        assert campaigns.save_draft(session, alice, draft, 2, subject="New", body="<p>x</p>", body_kind="html") == 3
        kept = campaigns.get(session, alice, draft)
        assert (kept.subject, kept.body, kept.body_kind, kept.version) == ("New", "<p>x</p>", "html", 3)


def test_a_draft_speaks_as_the_one_before_it_and_its_copy_too(alice: int, draft: int) -> None:
    with db.session() as session:
        assert campaigns.get(session, alice, draft).language == "en"
        campaigns.save_draft(session, alice, draft, 2, language="de")
        assert campaigns.duplicate(session, alice, draft).language == "de"
        assert campaigns.create(session, alice).language == "de"
        assert campaigns.create(session, rows.user(session, "charlie@example.com")).language == "en"
    with pytest.raises(RuleError, match="languages"), db.session() as session:
        campaigns.save_draft(session, alice, draft, 3, language="<b>")


def test_a_second_tab_is_told_and_overwrites_nothing(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, subject="First tab")
    with pytest.raises(campaigns.EditedElsewhere, match="another tab") as told, db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, subject="Second tab")
    assert read(draft).subject == "First tab"
    with db.session() as session:
        campaigns.save_draft(session, alice, draft, told.value.version, subject="Second tab, chosen")
    assert read(draft).subject == "Second tab, chosen"


def test_of_two_tabs_that_save_at_once_one_is_told(alice: int, draft: int) -> None:
    def save(subject: str) -> str:
        try:
            with db.session() as session:
                campaigns.save_draft(session, alice, draft, 2, subject=subject)
        except campaigns.EditedElsewhere:
            return "told"
        return subject

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(save, ["a", "b"]))
    assert results in (["a", "told"], ["b", "told"]) and read(draft).subject == results[0]


@pytest.mark.parametrize("status", [status for status in CampaignStatus if status != CampaignStatus.draft])
def test_only_a_draft_can_be_edited(alice: int, draft: int, status: CampaignStatus) -> None:
    put(draft, status)
    for edit in (
        lambda session: campaigns.save_draft(session, alice, draft, 2, subject="Late"),
        lambda session: campaigns.set_lists(session, alice, draft, []),
    ):
        with pytest.raises(campaigns.NotADraft, match=f"is {status}"), db.session() as session:
            edit(session)
    assert read(draft).subject == "Hello"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "x" * 201}, "at most 200"),
        ({"body_kind": "word"}, "rich text, Markdown or HTML"),
        ({"time_zone": "Mars/Phobos"}, "no time zone"),
        ({"sender_id": 999}, "no such sender"),
    ],
)
def test_a_change_that_cannot_be_says_why(alice: int, draft: int, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(RuleError, match=sentence), db.session() as session:
        campaigns.save_draft(session, alice, draft, 2, **changes)


def test_the_audience_is_exactly_the_lists_chosen_last(alice: int, draft: int) -> None:
    with db.session() as session:
        second, third = (
            contact_list(session, alice, "b@example.org"),
            contact_list(session, alice, "c@example.org", "d@example.org"),
        )
        campaigns.set_lists(session, alice, draft, [third, second, third])
        assert campaigns.list_ids(session, alice, draft) == [second, third]
        campaigns.set_lists(session, alice, draft, [])
        assert campaigns.list_ids(session, alice, draft) == []


def test_a_copy_is_a_draft_with_the_same_content_and_lists_and_no_numbers(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sent, sent=3)
    with db.session() as session:
        copy = campaigns.duplicate(session, alice, draft)
        assert (copy.name, copy.subject, copy.body, copy.status) == ("Copy of News", "Hello", "<p>Hi</p>", "draft")
        assert (copy.recipients_count, copy.sent_count, copy.scheduled_at, copy.version) == (0, 0, None, 1)
        assert campaigns.list_ids(session, alice, id_of(copy)) == campaigns.list_ids(session, alice, draft)
        assert [c.id for c in campaigns.list_all(session, alice)] == [copy.id, draft]


def test_each_copy_of_a_campaign_has_a_name_of_its_own(alice: int, draft: int) -> None:
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        rows.campaign(session, charlie, name="Copy of News", status="draft")  # theirs takes no name away
        copies = [campaigns.duplicate(session, alice, draft) for _ in range(3)]
        assert [each.name for each in copies] == ["Copy of News", "Copy of News (2)", "Copy of News (3)"]
        campaigns.delete(session, alice, id_of(copies[1]))
        assert campaigns.duplicate(session, alice, draft).name == "Copy of News (2)"
        long = rows.campaign(session, alice, name="x" * 200, status="draft")
        names = {campaigns.duplicate(session, alice, long).name for _ in range(2)}
        assert len(names) == 2 and all(len(name) <= 200 for name in names)


def test_a_deleted_campaign_is_gone_and_never_starts(alice: int, draft: int) -> None:
    with db.session() as session:
        campaigns.send_now(session, alice, draft)
        campaigns.delete(session, alice, draft)
        assert campaigns.start_due(session) == []
        assert campaigns.list_all(session, alice) == []
        with pytest.raises(NotFound):
            campaigns.get(session, alice, draft)


def test_a_deleted_campaign_comes_back_for_its_owner_only(alice: int, draft: int) -> None:
    with db.session() as session:
        with pytest.raises(NotFound):
            campaigns.restore(session, alice, draft)  # it is not deleted
        campaigns.delete(session, alice, draft)
        for stranger, number in ((alice + 1, draft), (alice, draft + 99)):
            with pytest.raises(NotFound):
                campaigns.restore(session, stranger, number)
        campaigns.restore(session, alice, draft)
        assert campaigns.get(session, alice, draft).name == "News"


def test_a_scheduled_campaign_comes_back_as_a_draft_that_is_looked_at_again(alice: int, draft: int) -> None:
    with db.session() as session:
        out = contact_list(session, alice, "ben@example.org")
        campaigns.set_lists(session, alice, draft, campaigns.list_ids(session, alice, draft), [out])
        at = db.now(session) + timedelta(minutes=5)
        campaigns.schedule(session, alice, draft, at)
        sender_id = campaigns.get(session, alice, draft).sender_id or 0
        campaigns.delete(session, alice, draft)
        contacts.delete_list(session, alice, out)  # a draft holds no list
        senders.delete(session, alice, sender_id)
    db.clock_offset += timedelta(minutes=6)
    with db.session() as session:
        assert campaigns.restore(session, alice, draft) == CampaignStatus.draft
        assert campaigns.start_due(session) == []
        kept = campaigns.get(session, alice, draft)
        assert (kept.status, kept.scheduled_at) == (CampaignStatus.draft, at)
        with pytest.raises(RuleError, match="sender News was deleted"):
            campaigns.send_now(session, alice, draft)


def test_a_paused_campaign_that_comes_back_has_the_lists_it_still_reads(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.paused, pending=1)
    with db.session() as session:
        session.get_one(Campaign, draft).snapshot_done = False
        out = contact_list(session, alice, "ben@example.org")
        session.add(CampaignList(campaign_id=draft, list_id=out, is_left_out=True))
        campaigns.delete(session, alice, draft)
        with pytest.raises(RuleError, match="“News” needs this list if its deletion is undone"):
            contacts.delete_list(session, alice, out)
        assert campaigns.restore(session, alice, draft) == CampaignStatus.paused
        assert campaigns.left_out_ids(session, alice, draft) == [out]
        campaigns.delete(session, alice, draft)
    db.clock_offset += UNDO_FOR + timedelta(minutes=2)
    with db.session() as session:
        contacts.delete_list(session, alice, out)


def test_a_sending_campaign_is_not_deleted(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sending, pending=1)
    with pytest.raises(RuleError, match="Pause or cancel it first"), db.session() as session:
        campaigns.delete(session, alice, draft)
