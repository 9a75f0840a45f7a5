from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import Session, col, select

from core import campaigns, db, live, stats
from core.delivery import senders
from core.errors import NotFound, RuleError
from core.models import Activity, Attempt, Campaign, CampaignStatus, Message, Suppression
from tests.core.campaigns.rows import NOW, id_of, ledger, put, read, user


def test_retry_sends_the_failed_ones_again(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sent, failed=2, sent=3, unknown=1)
    with db.session() as session:
        assert campaigns.retry_failed(session, alice, draft).count == 2
    assert ledger(draft) == {"pending": 2, "sent": 3, "unknown": 1}
    assert (read(draft).status, read(draft).finished_at) == ("sending", None)
    with db.reading() as session:
        again = session.exec(select(Message).where(col(Message.state) == "pending")).all()
    assert {message.attempts for message in again} == {0}


def suppress(session: Session, user_id: int, *emails: str) -> None:
    now = db.now(session)
    session.add_all(Suppression(user_id=user_id, email=email, reason="bounced", created_at=now) for email in emails)
    session.flush()


def test_retry_leaves_addresses_on_the_suppression_list_failed_and_says_so_where_all_are(
    alice: int, draft: int
) -> None:
    put(draft, CampaignStatus.sent, failed=3)
    with db.session() as session:
        suppress(session, alice, "failed0@example.org", "failed1@example.org")
        suppress(session, user(session, "charlie@example.com"), "failed2@example.org")
        [before] = stats.failures(session, alice, draft)
        assert campaigns.retry_failed(session, alice, draft).count == 1
    assert (before.count, before.suppressed, before.can_retry) == (3, 2, 1)
    assert ledger(draft) == {"pending": 1, "failed": 2}
    with pytest.raises(RuleError, match="All of them are on the suppression list"), db.session() as session:
        campaigns.retry_failed(session, alice, draft)
    with db.reading() as session:
        assert [(each.count, each.can_retry) for each in stats.failures(session, alice, draft)] == [(2, 0)]


def hour(at: int) -> datetime:
    return NOW.replace(hour=at)


def test_what_is_tried_again_has_not_failed_in_its_hour_any_more(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sent, failed=4)
    with db.session() as session:
        ids = session.exec(select(Message.id).order_by(col(Message.id))).all()
        for number, at in ((0, 9), (1, 8), (1, 9)):  # the others have no try that is known
            tried = hour(at) + timedelta(minutes=7)
            session.add(Attempt(message_id=ids[number] or 0, campaign_id=draft, at=tried, kind="policy"))
        session.add_all(
            Activity(campaign_id=draft, hour_at=hour(at), failed_count=failed, sent_count=9)
            for at, failed in ((8, 1), (9, 2), (11, 1))
        )
        session.get_one(Message, ids[3]).kind = "temporary"
    with db.session() as session:
        assert campaigns.retry_failed(session, alice, draft, kind="").count == 3
    with db.reading() as session:
        hours = session.exec(select(Activity).order_by(col(Activity.hour_at))).all()
    assert [(row.hour_at.hour, row.failed_count, row.sent_count) for row in hours] == [(8, 1, 9), (9, 0, 9), (11, 0, 9)]


def test_retry_of_a_paused_campaign_leaves_it_paused(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.paused, failed=1)
    with db.session() as session:
        campaigns.retry_failed(session, alice, draft)
    assert ledger(draft) == {"pending": 1} and read(draft).status == "paused"


def test_retry_with_nothing_failed_says_so_and_changes_nothing(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sent, sent=1)
    with pytest.raises(RuleError, match="No mail of this campaign failed"), db.session() as session:
        campaigns.retry_failed(session, alice, draft)
    assert read(draft).status == "sent"


def test_retry_with_a_sender_that_was_deleted_says_so_and_the_campaign_stays_sent(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sent, failed=1)
    sender_id = read(draft).sender_id
    assert sender_id is not None
    with db.session() as session:
        senders.delete(session, alice, sender_id)
    with pytest.raises(RuleError, match="was deleted"), db.session() as session:
        campaigns.retry_failed(session, alice, draft)
    assert read(draft).status == "sent" and ledger(draft) == {"failed": 1}


def test_mails_in_doubt_that_were_delivered_are_sent_and_counted_in_their_hour(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.cancelled, unknown=2, sent=1, cancelled=1)
    with db.session() as session:
        assert campaigns.settle_unknown(session, alice, draft, delivered=True).count == 2
        now = db.now(session)
    assert ledger(draft) == {"sent": 3, "cancelled": 1} and read(draft).status == "cancelled"
    with db.reading() as session:
        decided = session.exec(select(Message).where(col(Message.sent_at).is_not(None))).all()
        assert [now - message.sent_at < timedelta(seconds=5) for message in decided if message.sent_at] == [True] * 2
        assert [row.sent_count for row in session.exec(select(Activity))] == [2]
    with pytest.raises(RuleError, match="in doubt any more"), db.session() as session:
        campaigns.settle_unknown(session, alice, draft, delivered=True)


def test_mails_in_doubt_can_be_sent_again_by_which_a_sent_campaign_is_sending(
    alice: int, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(draft, CampaignStatus.sent, unknown=2, sent=1, failed=1)
    told: list[str] = []
    monkeypatch.setattr(live, "wake", lambda: told.append("wake"))
    monkeypatch.setattr(live, "publish", lambda *hint: told.append(f"{hint}"))
    with db.session() as session:
        assert campaigns.settle_unknown(session, alice, draft, delivered=False).count == 2
    assert set(told) == {"wake", f"({alice}, 'campaign', {draft})"}
    assert ledger(draft) == {"pending": 2, "sent": 1, "failed": 1}
    assert (read(draft).status, read(draft).finished_at) == ("sending", None)


def test_one_mail_in_doubt_is_decided_alone_and_the_paused_campaign_stays_paused(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.paused, unknown=2)
    with db.session() as session:
        first = session.exec(select(Message.id).order_by(col(Message.id))).first()
        assert campaigns.settle_unknown(session, alice, draft, first, delivered=False).count == 1
    assert ledger(draft) == {"pending": 1, "unknown": 1} and read(draft).status == "paused"
    with pytest.raises(RuleError, match="in doubt any more"), db.session() as session:
        campaigns.settle_unknown(session, alice, draft, first, delivered=True)


def test_nothing_of_a_cancelled_campaign_is_sent_again(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.cancelled, unknown=1)
    with pytest.raises(RuleError, match="was cancelled"), db.session() as session:
        campaigns.settle_unknown(session, alice, draft, delivered=False)
    assert ledger(draft) == {"unknown": 1}


def test_doubts_are_settled_by_their_owner_alone(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sent, unknown=1)
    with db.session() as session:
        charlie = user(session, "charlie@example.com")
        message_id = session.exec(select(Message.id)).one()
        hers = campaigns.create(session, charlie)
        for delivered in (True, False):
            with pytest.raises(NotFound):
                campaigns.settle_unknown(session, charlie, draft, delivered=delivered)
            with pytest.raises(RuleError):
                campaigns.settle_unknown(session, charlie, id_of(hers), message_id, delivered=delivered)
    assert ledger(draft) == {"unknown": 1} and read(draft).status == "sent"


_campaign = Campaign.__table__  # type: ignore[attr-defined]


def put_reasons(campaign_id: int) -> None:
    """Three that failed: two as bad mailboxes, one by policy."""
    put(campaign_id, CampaignStatus.sent, failed=3, sent=1)
    with db.session() as session:
        failed = session.exec(select(Message).where(col(Message.state) == "failed").order_by(col(Message.id))).all()
        for message, (kind, rule_id) in zip(
            failed, [("bad_recipient", "unknown"), ("policy", "spam"), ("bad_recipient", "unknown")], strict=True
        ):
            message.kind, message.rule_id = kind, rule_id


def test_retry_of_one_reason_leaves_the_others_failed(alice: int, draft: int) -> None:
    put_reasons(draft)
    with db.session() as session:
        chunk = campaigns.retry_failed(session, alice, draft, kind="policy", rule_id="spam")
    assert (chunk.count, chunk.last_id) == (1, None)
    assert ledger(draft) == {"pending": 1, "failed": 2, "sent": 1} and read(draft).status == "sending"
    with db.reading() as session:
        assert session.exec(select(Message.kind).where(col(Message.state) == "pending")).all() == ["policy"]
    with pytest.raises(RuleError, match="for this reason any more"), db.session() as session:
        campaigns.retry_failed(session, alice, draft, kind="policy", rule_id="spam")


def test_a_stranger_retries_no_reason_of_another(alice: int, draft: int) -> None:
    put_reasons(draft)
    with db.session() as session:
        charlie = user(session, "charlie@example.com")
        with pytest.raises(NotFound):
            campaigns.retry_failed(session, charlie, draft, kind="policy", rule_id="spam")
    assert ledger(draft) == {"failed": 3, "sent": 1}


def test_a_large_retry_goes_in_chunks_between_which_the_counters_agree(
    alice: int, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "chunk_rows", lambda session: 2)
    put(draft, CampaignStatus.sent, failed=5)
    after, seen = 0, []
    while True:
        with db.session() as session:
            chunk = campaigns.retry_failed(session, alice, draft, after=after)
        seen.append(ledger(draft))  # compares the rows with the counters
        # What was retried fails again at once, and the campaign is sent again: the rest goes on, these stay.
        with db.session() as session:
            values = {"pending_count": 0, "failed_count": 5, "status": "sent"}
            session.execute(update(Message).where(col(Message.state) == "pending").values(state="failed"))
            session.execute(update(_campaign).where(_campaign.c.id == draft).values(values))
        if chunk.last_id is None:
            break
        after = chunk.last_id
    assert seen == [{"pending": 2, "failed": 3}, {"pending": 2, "failed": 3}, {"pending": 1, "failed": 4}]
    assert ledger(draft) == {"failed": 5}


@pytest.mark.parametrize(("delivered", "state"), [(True, "sent"), (False, "pending")])
def test_many_doubts_are_settled_in_chunks(
    alice: int, draft: int, monkeypatch: pytest.MonkeyPatch, delivered: bool, state: str
) -> None:
    monkeypatch.setattr(db, "chunk_rows", lambda session: 2)
    put(draft, CampaignStatus.sending, unknown=5)
    after: int | None = 0
    counts = []
    while after is not None:
        with db.session() as session:
            chunk = campaigns.settle_unknown(session, alice, draft, delivered=delivered, after=after)
        counts.append(chunk.count)
        after = chunk.last_id
        assert ledger(draft)[state] == sum(counts)
    assert counts == [2, 2, 1] and ledger(draft) == {state: 5}


def test_what_a_server_put_off_is_due_at_once_and_climbs_no_ladder(alice: int, draft: int) -> None:
    put(draft, CampaignStatus.sending, pending=4)
    later = NOW + timedelta(days=900)
    with db.session() as session:
        for number, values in enumerate(({"reply": "450 later"}, {"reply": "450 later", "attempts": 1}, {"reply": ""})):
            of = (col(Message.campaign_id) == draft, col(Message.email) == f"pending{number}@example.org")
            session.execute(update(Message).where(*of).values(retry_at=later, **values))
        charlie = user(session, "charlie@example.com")
    with db.session() as session, pytest.raises(NotFound):
        campaigns.try_again_now(session, charlie, draft)
    with db.session() as session:
        assert campaigns.try_again_now(session, alice, draft) == campaigns.Chunk(2, None)
        now = db.now(session)
    with db.reading() as session:
        found = session.exec(select(Message).order_by(col(Message.id))).all()
        assert [(each.retry_at <= now, each.attempts) for each in found] == [
            (True, 2),
            (True, 0),
            (False, 3),
            (True, 3),
        ]
    assert ledger(draft) == {"pending": 4}
    with db.session() as session, pytest.raises(RuleError, match="waits to be tried again any more"):
        campaigns.try_again_now(session, alice, draft)
