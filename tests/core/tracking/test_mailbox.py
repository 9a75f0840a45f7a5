"""What is kept of a check that goes wrong in its middle: nothing is lost, nothing stops the mailbox for ever."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from core import campaigns, db
from core.delivery import bounce_mailbox, imap
from core.delivery.bounce_mailbox import Values
from core.delivery.imap import Trouble
from core.models import BounceMailbox, Campaign, MessageState
from core.tracking import bounces, mailbox
from core.tracking.returned import Returned
from tests import rows
from tests.conftest import Stack
from tests.core.delivery.imap_server import Answer, Break, Script, has, serving
from tests.core.tracking import reports
from tests.core.tracking.reports import Ours


class Alice:
    """Three mails of hers came back; the reports are the mails 1, 2 and 3 of her mailbox."""

    def __init__(self) -> None:
        with db.session() as session:
            self.id = rows.user(session)
            self.campaign_id, self.message_ids = rows.sent_campaign(session, self.id, [MessageState.sent] * 3)
            self.sender_id = session.get_one(Campaign, self.campaign_id).sender_id or 0
        ours = [Ours(number, f"r{place}@example.com") for place, number in enumerate(self.message_ids)]
        self.mails = {uid: reports.postfix(mail) for uid, mail in enumerate(ours, start=1)}

    def check(self, server: Script) -> mailbox.Checked:
        values = Values("127.0.0.1", server.port, "none", False, "anna", "right horse")
        with db.session() as session:
            bounce_mailbox.save(session, self.id, self.sender_id, values)
        return mailbox.check_now(self.id, self.sender_id)

    @property
    def kept(self) -> tuple[BounceMailbox, int]:
        """Her mailbox, and how many bounces her campaign has."""
        with db.reading() as session:
            campaign = session.get_one(Campaign, self.campaign_id)
            return session.get_one(BounceMailbox, self.sender_id), campaign.bounced_count


def breaking_at(uid: int, answers: dict[str, Answer]) -> dict[str, Answer]:
    def fetch(words: str) -> bytes:
        if words.startswith(f"{uid} "):
            raise Break
        return answers["UID FETCH"](words)

    return answers | {"UID FETCH": fetch}


def test_a_connection_that_breaks_while_a_report_is_fetched_loses_none(stack: Stack) -> None:
    alice = Alice()
    with serving(breaking_at(2, has(alice.mails))) as server, pytest.raises(Trouble, match="closed the connection"):
        alice.check(server)
    row, bounced = alice.kept
    assert (row.last_uid, bounced, row.failures) == (0, 0, 1)
    with serving(has(alice.mails)) as server:
        assert alice.check(server) == mailbox.Checked(mails=3, bounced=3)
    assert alice.kept[1] == 3


def test_what_comes_back_is_noted_also_when_the_rest_of_the_campaign_goes_through_another_sender(stack: Stack) -> None:
    alice = Alice()
    with db.session() as session:
        campaign = session.get_one(Campaign, alice.campaign_id)
        campaign.status = "paused"
        new = rows.sender(session, alice.id, name="New")
        campaigns.change_sender(session, alice.id, alice.campaign_id, new.id or 0)
    with serving(has(alice.mails)) as server:
        assert alice.check(server) == mailbox.Checked(mails=3, bounced=3)
    assert alice.kept[1] == 3


@pytest.mark.parametrize(
    ("charset", "hurts"),
    [("unicode_escape", b"\\x00 \\ud800"), ("utf-7", b"+2AA- +AAA-"), ("utf-8", b"\0 \xed\xa0\x80")],
)
def test_words_that_no_database_keeps_are_kept_without_what_hurts(charset: str, hurts: bytes, stack: Stack) -> None:
    alice = Alice()
    report = reports.qmail(Ours(alice.message_ids[0], "r0@example.com"))
    head, _, body = report.partition(b"\r\n\r\n")
    head += f"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}".encode()
    with serving(has({1: head + b"\r\n\r\n" + body.replace(b"5.1.1)", b"5.1.1 gone " + hurts + b" away)")})) as it:
        assert alice.check(it) == mailbox.Checked(mails=1, bounced=1)
    with db.reading() as session:
        kept = bounces.words(session, alice.message_ids)[alice.message_ids[0]].reply
    assert kept.startswith("5.1.1 gone ") and " away) " in kept and "\0" not in kept


def failing(monkeypatch: pytest.MonkeyPatch, message_id: int, error: Exception) -> None:
    """Whatever is stored together with a report about this message."""
    whole: Any = bounces.record_all

    def fails(session: Session, user_id: int, told: Sequence[tuple[Returned, datetime | None]]) -> Any:
        noted = whole(session, user_id, told)
        if any(said.message_id == message_id for said, _ in told):
            raise error
        return noted

    monkeypatch.setattr(bounces, "record_all", fails)


def test_a_report_that_cannot_be_stored_is_stepped_over_and_told_in_the_log(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = Alice()
    failing(monkeypatch, alice.message_ids[1], ValueError("a value of no kind"))
    with serving(has(alice.mails)) as server:
        assert alice.check(server) == mailbox.Checked(mails=3, bounced=2)
        assert alice.check(server) == mailbox.Checked()
    row, bounced = alice.kept
    assert (row.last_uid, row.error, bounced) == (3, "", 2)
    assert f"a report in the mailbox of sender {alice.sender_id} could not be stored" in caplog.text


def test_a_check_whose_reports_cannot_be_stored_now_failed_and_is_made_again_later(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = Alice()
    with serving(has(alice.mails)) as server:
        with monkeypatch.context() as patched:
            failing(patched, alice.message_ids[1], OperationalError("", {}, Exception("deadlock detected")))
            with pytest.raises(OperationalError):
                alice.check(server)
        row, bounced = alice.kept
        assert row.error == "What the mailbox has could not be stored. We try again."
        assert (row.failures, row.checked_at, row.last_uid, bounced) == (1, None, 0, 0)
        assert row.next_check_at is not None and row.checking_until is None
        assert alice.check(server) == mailbox.Checked(mails=3, bounced=3)


def test_a_visit_ends_before_it_has_read_more_than_it_may(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = Alice()
    size = max(map(len, alice.mails.values()))
    monkeypatch.setattr(mailbox, "_TOGETHER", 1)
    monkeypatch.setattr(imap, "MOST_BYTES", size)
    monkeypatch.setattr(imap, "_MOST_READ", 3 * size)
    with serving(has(alice.mails)) as server:
        first = alice.check(server)
        assert first.more and 0 < first.mails < 3
        assert alice.check(server).bounced > 0
    assert alice.kept[0].failures == 0
