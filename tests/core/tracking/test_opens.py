from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import text, update
from sqlmodel import col, select

from core import crypto, db, live
from core.content.links import verified
from core.models import Activity, Campaign, LinkClick, Message, MessageState, Reading
from core.tracking import links, opens
from tests import rows
from tests.conftest import Stack

AT = datetime(2026, 11, 22, 3, 57, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 5, 0, 0, tzinfo=UTC)
SENT = MessageState.sent


def _campaign(states: list[MessageState]) -> tuple[int, list[int]]:
    with db.session() as session:
        return rows.sent_campaign(session, rows.user(session), states)


def _record(hits: list[tuple[int, datetime]]) -> int:
    with db.session() as session:
        return opens.record(session, hits)


def _kept(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


def test_only_the_first_open_of_a_mail_counts_and_keeps_its_time(stack: Stack) -> None:
    campaign_id, (first, second, _) = _campaign([SENT, SENT, SENT])
    assert _record([(first, LATER), (first, AT), (second, AT)]) == 2
    assert _record([(first, LATER), (second, LATER)]) == 0
    assert _kept(campaign_id).opened_count == 2
    with db.reading() as session:
        assert session.get_one(Message, first).opened_at == AT
        assert [(row.hour_at.hour, row.opened_count) for row in session.exec(select(Activity))] == [(3, 2)]


def test_an_open_proves_that_a_doubtful_mail_was_delivered(stack: Stack) -> None:
    campaign_id, (doubtful, other) = _campaign([MessageState.unknown, MessageState.unknown])
    _record([(doubtful, AT)])
    kept = _kept(campaign_id)
    assert (kept.sent_count, kept.unknown_count, kept.opened_count) == (1, 1, 1)
    with db.reading() as session:
        assert session.get_one(Message, doubtful).state == SENT
        assert session.get_one(Message, other).state == MessageState.unknown


def test_a_click_is_an_open_too_and_counts_once(stack: Stack) -> None:
    campaign_id, (first, second, doubtful, opened) = _campaign([SENT, SENT, MessageState.unknown, SENT])
    _record([(opened, AT)])
    clicks = [(first, AT), (second, LATER), (second, AT), (doubtful, LATER), (opened, LATER)]
    for _ in range(2):
        with db.session() as session:
            opens.record(session, [(first, LATER)], clicks)
    kept = _kept(campaign_id)
    assert (kept.opened_count, kept.clicked_count, kept.sent_count, kept.unknown_count) == (4, 4, 4, 0)
    with db.reading() as session:
        kept_times = [
            (m.opened_at, m.clicked_at)
            for m in (session.get_one(Message, i) for i in (first, second, doubtful, opened))
        ]
        quarters = [(r.quarter_at.minute, r.opened_count, r.clicked_count) for r in session.exec(select(Reading))]
    assert kept_times == [(AT, AT), (AT, AT), (LATER, LATER), (AT, LATER)]
    assert sorted(quarters) == [(0, 1, 2), (45, 3, 2)]


def test_opens_and_proofs_of_several_campaigns_at_once_never_wait_in_a_circle(postgres_stack: Stack) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        first, (opened,) = rows.sent_campaign(session, user_id, [SENT])
        second, (doubtful,) = rows.sent_campaign(session, user_id, [MessageState.unknown])
    with db.session() as other:
        # As a flush of the engine does: the first campaign, then the second.
        touch = update(Campaign).values(batch_count=Campaign.batch_count + 1)
        other.connection().execute(text("set local lock_timeout = '2s'"))
        other.connection().execute(touch.where(col(Campaign.id) == first))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(_record, [(opened, AT), (doubtful, AT)])
            while not waits_for_a_lock():
                assert not waiting.done()
            other.connection().execute(touch.where(col(Campaign.id) == second))
            other.commit()
            assert waiting.result(10) == 2
    assert (_kept(first).opened_count, _kept(second).sent_count) == (1, 1)


def waits_for_a_lock() -> bool:
    with db.reading() as session:
        waiting = text(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        return bool(session.connection().execute(waiting).scalar())


def test_a_click_counts_only_at_links_of_the_mails_own_campaign(stack: Stack) -> None:
    with db.session() as session:
        first, (mine,) = rows.sent_campaign(session, rows.user(session), [SENT])
        other, (theirs,) = rows.sent_campaign(session, rows.user(session, "charlie@example.com"), [SENT])
        for campaign_id in (first, other):
            links.keep(session, campaign_id, ["https://shop.example/"])
        ((_, link_id),), ((_, foreign_id),) = links.of(session, first), links.of(session, other)
        token = f"{crypto.sign('click', mine)}.{crypto.sign('link', foreign_id)}"
        assert verified(token) == (mine, foreign_id)  # who has both mails can mix their addresses
        links.followed(session, [(foreign_id, mine, AT), (link_id, theirs, AT), (link_id, mine, AT)])
        kept = session.exec(select(LinkClick)).all()
        assert [(row.link_id, row.message_id) for row in kept] == [(link_id, mine)]


def test_the_owner_hears_of_an_open(sqlite_stack: Stack) -> None:
    campaign_id, (message_id,) = _campaign([SENT])
    heard: list[live.Hint] = []
    undo = live.subscribe(heard.append)
    _record([(message_id, AT)])
    undo()
    assert heard == [live.Hint(1, "campaign", campaign_id)]


def test_many_readers_at_once_are_counted_once_each(stack: Stack) -> None:
    campaign_id, ids = _campaign([SENT] * 40)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(_record, [[(i, AT) for i in ids], [(i, AT) for i in reversed(ids)]] * 4))
    assert sum(counts) == 40
    assert _kept(campaign_id).opened_count == 40


def test_an_open_of_a_deleted_campaign_is_forgotten(stack: Stack) -> None:
    assert _record([(999, AT)]) == 0
    assert _record([]) == 0
