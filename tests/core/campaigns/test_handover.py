from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from core import campaigns, clock, db
from core.campaigns.handover import Before
from core.content.mail import Content
from core.delivery import dkim_keys, usage
from core.delivery.tally import Tally
from core.errors import NotFound, RuleError
from core.models import Campaign
from tests import rows
from tests.conftest import Stack
from tests.core.tracking.test_opens import waits_for_a_lock

STATES = {"sent": ["a@example.org", "b@example.org"], "pending": ["c@example.org"], "claimed": ["d@example.org"]}
PAUSED = {"status": "paused", "pause_reason": "auth", "pause_detail": "535 5.7.8 Bad credentials"}
OFFICE = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": "Asia/Kolkata"}
EVENING = {**OFFICE, "from": "19:00", "until": "22:00"}


@pytest.fixture
def alice(stack: Stack) -> int:
    with db.session() as session:
        return rows.user(session)


def sender(user_id: int, name: str, **values: object) -> int:
    with db.session() as session:
        made = rows.sender(session, user_id, name=name, **values).id
        assert made is not None
        return made


def campaign(user_id: int, sender_id: int, **values: object) -> int:
    with db.session() as session:
        return rows.campaign(session, user_id, STATES, **{"sender_id": sender_id, **PAUSED, **values})


def read(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


def change(user_id: int, campaign_id: int, sender_id: int) -> Before:
    with db.session() as session:
        return campaigns.change_sender(session, user_id, campaign_id, sender_id)


def test_a_paused_campaign_stays_paused_until_its_user_resumes_and_what_was_claimed_waits_again(alice: int) -> None:
    old, new = sender(alice, "Old", state="blocked", state_kind="auth"), sender(alice, "New")
    campaign_id = campaign(alice, old)
    assert change(alice, campaign_id, new) == Before(old, "auth", "535 5.7.8 Bad credentials")
    row = read(campaign_id)
    assert (row.sender_id, row.status, row.pause_reason, row.pause_detail) == (new, "paused", "user", "")
    assert (row.pending_count, row.claimed_count, row.sent_count) == (2, 0, 2)
    with db.session() as session:
        campaigns.resume(session, alice, campaign_id)
    assert read(campaign_id).status == "sending"


@pytest.mark.parametrize("which", ["old", "new"])
def test_it_waits_for_a_worker_that_writes_down_what_it_sends_and_neither_waits_in_a_circle(
    postgres_stack: Stack, which: str
) -> None:
    with db.session() as session:
        alice = rows.user(session)
    ids = {"old": sender(alice, "Old"), "new": sender(alice, "New")}
    campaign_id = campaign(alice, ids["old"])
    with ThreadPoolExecutor() as pool:
        with db.session() as worker:
            usage.lock(worker, {ids[which]})  # as for the starts of a group
            changing = pool.submit(change, alice, campaign_id, ids["new"])
            while not waits_for_a_lock():
                assert not changing.done()
            tally = Tally()
            tally.add(campaign_id, "batch_count")
            tally.store(worker, db.now(worker))
        assert changing.result(30).sender_id == ids["old"]
    assert (read(campaign_id).sender_id, read(campaign_id).batch_count) == (ids["new"], 1)


def test_one_that_is_sending_goes_on(alice: int) -> None:
    old, new = sender(alice, "Old", state="cooling"), sender(alice, "New")
    campaign_id = campaign(alice, old, status="sending", pause_reason="", pause_detail="")
    change(alice, campaign_id, new)
    assert (read(campaign_id).sender_id, read(campaign_id).status, read(campaign_id).pause_reason) == (
        new,
        "sending",
        "",
    )


@pytest.mark.parametrize("status", ["draft", "scheduled", "sent", "cancelled"])
def test_in_any_other_state_it_is_not_changed(alice: int, status: str) -> None:
    old, new = sender(alice, "Old"), sender(alice, "New")
    campaign_id = campaign(alice, old, status=status)
    with pytest.raises(RuleError, match="This campaign"):
        change(alice, campaign_id, new)
    assert (read(campaign_id).sender_id, read(campaign_id).claimed_count) == (old, 1)


def test_pressed_twice_it_is_changed_once_and_a_draft_without_a_sender_says_that_it_is_one(alice: int) -> None:
    old, new = sender(alice, "Old"), sender(alice, "New")
    campaign_id = campaign(alice, old)
    change(alice, campaign_id, new)
    with pytest.raises(RuleError, match="goes through New already"):
        change(alice, campaign_id, new)
    with db.session() as session:
        draft = campaigns.create(session, alice).id or 0
        session.get_one(Campaign, draft).sender_id = None
    with pytest.raises(RuleError, match="is a draft"):
        change(alice, draft, new)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"state": "blocked", "state_kind": "auth"}, "New is blocked"),
        ({"from_address": ""}, "no From address"),
        ({"is_sandbox": True}, "stays in the sandbox, or out of it"),
        ({"sending_window": EVENING}, "never meet"),
    ],
)
def test_a_sender_that_cannot_send_the_rest_is_refused_and_named_so(
    alice: int, values: dict[str, object], why: str
) -> None:
    old, new, good = sender(alice, "Old"), sender(alice, "New", **values), sender(alice, "Good")
    campaign_id = campaign(alice, old, sending_window=OFFICE)
    with db.reading() as session:
        choices = campaigns.rest(session, alice, campaign_id).choices
    assert [choice.sender.id for choice in choices] == [good, new]
    assert choices[0].problem == "" and why in choices[1].problem
    with pytest.raises(RuleError, match=why):
        change(alice, campaign_id, new)
    assert read(campaign_id).sender_id == old


def test_a_campaign_of_the_sandbox_stays_there(alice: int) -> None:
    box, real = sender(alice, "Sandbox", is_sandbox=True), sender(alice, "Real")
    with pytest.raises(RuleError, match="stays in the sandbox"):
        change(alice, campaign(alice, box), real)


def test_what_is_to_be_said_of_the_chosen_one_before_it_is_relied_on(alice: int) -> None:
    old = sender(alice, "Old")
    sender(alice, "New", test_problem="535 no")
    sender(alice, "Well")
    with db.reading() as session:
        well, choice = campaigns.rest(session, alice, campaign(alice, old)).choices
    assert (well.sender.name, well.findings) == ("Well", ())
    assert [finding.level for finding in choice.findings] == ["serious"]
    assert "The last test of New failed: 535 no" in choice.findings[0].text


def strangers(alice: int, charlie: int) -> tuple[int, int, int]:
    """Alice's campaign, a second sender of hers, and one of Charlie's."""
    return campaign(alice, sender(alice, "Old")), sender(alice, "New"), sender(charlie, "His")


def test_a_strangers_sender_or_campaign_cannot_be_named(alice: int) -> None:
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
    campaign_id, new, his = strangers(alice, charlie)
    was = read(campaign_id).sender_id
    tries: list[Callable[..., object]] = [
        lambda session: campaigns.change_sender(session, alice, campaign_id, his),
        lambda session: campaigns.change_sender(session, charlie, campaign_id, his),
        lambda session: campaigns.change_sender(session, charlie, campaign_id, new),
        lambda session: campaigns.change_back(session, charlie, campaign_id, Before(new, "", "")),
        lambda session: campaigns.change_back(session, alice, campaign_id, Before(his, "", "")),
        lambda session: campaigns.rest(session, charlie, campaign_id),
    ]
    for attempt in tries:
        with pytest.raises(NotFound), db.session() as session:
            attempt(session)
    assert (read(campaign_id).sender_id, read(campaign_id).claimed_count) == (was, 1)
    with db.reading() as session:
        assert [choice.sender.id for choice in campaigns.rest(session, alice, campaign_id).choices] == [new]
        assert campaigns.outlook(session, alice, campaign_id, his) is None
    change(alice, campaign_id, new)
    with db.reading() as session:
        assert campaigns.sent_by(session, alice, campaign_id) != []
        assert campaigns.sent_by(session, charlie, campaign_id) == []


def test_a_deleted_sender_is_not_found(alice: int) -> None:
    old, gone = sender(alice, "Old"), sender(alice, "Gone", deleted_at=clock.utcnow())
    campaign_id = campaign(alice, old)
    with pytest.raises(NotFound):
        change(alice, campaign_id, gone)


def test_undone_it_is_as_before_the_blocked_sender_and_its_reason_too(alice: int) -> None:
    old, new = sender(alice, "Old", state="blocked", state_kind="auth"), sender(alice, "New")
    campaign_id = campaign(alice, old)
    before = change(alice, campaign_id, new)
    with db.session() as session:
        campaigns.change_back(session, alice, campaign_id, before)
    row = read(campaign_id)
    assert (row.sender_id, row.status, row.pause_reason) == (old, "paused", "auth")
    assert row.pause_detail == "535 5.7.8 Bad credentials"


def test_one_that_is_sending_meanwhile_does_not_go_back_to_a_blocked_sender(alice: int) -> None:
    old, new = sender(alice, "Old", state="blocked"), sender(alice, "New")
    campaign_id = campaign(alice, old)
    before = change(alice, campaign_id, new)
    with db.session() as session:
        campaigns.resume(session, alice, campaign_id)
    with pytest.raises(RuleError, match="just changed"), db.session() as session:
        campaigns.change_back(session, alice, campaign_id, before)
    assert read(campaign_id).sender_id == new


def test_who_sent_how_many_is_told_where_there_was_more_than_one(alice: int) -> None:
    old, new = sender(alice, "Old"), sender(alice, "New")
    campaign_id = campaign(alice, old)
    with db.session() as session:
        assert campaigns.sent_by(session, alice, campaign_id) == []
    before = change(alice, campaign_id, new)
    with db.session() as session:
        assert [(each.name, count) for each, count in campaigns.sent_by(session, alice, campaign_id)] == [("Old", 2)]
        campaigns.change_back(session, alice, campaign_id, before)
        assert campaigns.sent_by(session, alice, campaign_id) == []  # nobody else sent any
    change(alice, campaign_id, new)
    with db.session() as session:
        row, now = session.get_one(Campaign, campaign_id), datetime(2099, 1, 1, tzinfo=UTC)
        rows.message(session, row, "z@example.org", "sent", now)
        told = campaigns.sent_by(session, alice, campaign_id)
    assert [(each.name, count) for each, count in told] == [("Old", 2), ("New", 1)]


def test_the_senders_that_tried_are_named_where_there_were_several(alice: int) -> None:
    old, new = sender(alice, "Old"), sender(alice, "New")
    campaign_id = campaign(alice, old)
    change(alice, campaign_id, new)
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        assert campaigns.tried_by(session, alice, campaign_id) == {}
        row, now = session.get_one(Campaign, campaign_id), datetime(2099, 1, 1, tzinfo=UTC)
        rows.message(session, row, "z@example.org", "failed", now)
        assert campaigns.tried_by(session, alice, campaign_id) == {old: "Old", new: "New"}
        assert campaigns.tried_by(session, charlie, campaign_id) == {}


def test_what_is_left_is_foreseen_through_another_sender(alice: int) -> None:
    old, new = sender(alice, "Old", state="blocked"), sender(alice, "New", per_minute=1)
    campaign_id = campaign(alice, old)
    with db.reading() as session:
        assert campaigns.outlook(session, alice, campaign_id) is None
        outlook = campaigns.outlook(session, alice, campaign_id, new)
    assert outlook is not None and outlook.flow.waiting == 2
    assert "1/min" in str(outlook.forecast())


def test_the_mail_is_made_anew_with_the_new_senders_from_and_the_key_of_its_domain(alice: int) -> None:
    old, new = sender(alice, "Old"), sender(alice, "New", from_address="new@example.net", reply_to="r@example.net")
    campaign_id = campaign(alice, old)
    with db.session() as session:
        dkim_keys.keep(session, alice, "example.net", dkim_keys.new_pairs())
        for key in dkim_keys.shown(session, alice, "new@example.net") or dkim_keys.domains(session, alice)[-1].keys:
            dkim_keys.switch(session, alice, key.id, True)

    def made() -> Content:
        with db.reading() as session:
            return campaigns.content(session, session.get_one(Campaign, campaign_id))

    assert made().signing == ()
    change(alice, campaign_id, new)
    assert (made().from_address, made().reply_to) == ("new@example.net", "r@example.net")
    assert {key.domain for key in made().signing} == {"example.net"}
