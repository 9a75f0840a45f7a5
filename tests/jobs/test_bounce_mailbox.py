"""Bounce mailboxes on a real IMAP server (Dovecot): read to the end, read once, left as they were."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core import db
from core.delivery import bounce_mailbox, imap
from core.delivery.bounce_mailbox import Values
from core.delivery.imap import Account, Trouble
from core.errors import NotFound, RuleError
from core.models import BounceMailbox, Campaign, Message, MessageState, Sender, Suppression
from core.tracking import mailbox
from jobs.bounces import read_mailboxes
from tests import rows
from tests.conftest import Stack
from tests.core.tracking import reports
from tests.core.tracking.reports import Ours
from tests.jobs.certificates import certificate, trust
from tests.jobs.dovecot import PASSWORD, USER, Mailbox, dovecot


@pytest.fixture(scope="module")
def server() -> Iterator[Mailbox]:
    with dovecot() as box:
        yield box


@pytest.fixture
def box(server: Mailbox) -> Mailbox:
    server.empty()
    return server


class Alice:
    """Her sender with its bounce mailbox, and a campaign that was sent to r0@ … r4@example.com."""

    def __init__(self, box: Mailbox, password: str = PASSWORD, folder: str = "INBOX") -> None:
        with db.session() as session:
            self.id = rows.user(session)
            states = [MessageState.sent] * 4 + [MessageState.unknown]
            self.campaign_id, self.message_ids = rows.sent_campaign(session, self.id, states)
            sender_id = session.get_one(Campaign, self.campaign_id).sender_id
            assert sender_id is not None
            self.sender_id = sender_id
            values = Values("127.0.0.1", box.port, "none", False, USER, password, folder)
            bounce_mailbox.save(session, self.id, sender_id, values)

    def mail(self, number: int) -> Ours:
        return Ours(self.message_ids[number], f"r{number}@example.com")

    def check(self) -> mailbox.Checked:
        return mailbox.check_now(self.id, self.sender_id)

    @property
    def mailbox(self) -> BounceMailbox:
        with db.reading() as session:
            return session.get_one(BounceMailbox, self.sender_id)

    @property
    def campaign(self) -> Campaign:
        with db.reading() as session:
            return session.get_one(Campaign, self.campaign_id)

    @property
    def suppressed(self) -> dict[str, str]:
        with db.reading() as session:
            return {row.email: row.reason for row in session.exec(select(Suppression))}


def test_bounces_and_complaints_are_found_among_letters_and_the_mailbox_stays_as_it_was(
    stack: Stack, box: Mailbox
) -> None:
    alice = Alice(box)
    box.drop(
        reports.answer(alice.mail(0)),
        reports.postfix(alice.mail(0)),
        reports.ses(alice.mail(1)),
        reports.vacation(alice.mail(2)),
        reports.complaint(alice.mail(2)),
        reports.delayed(alice.mail(3)),
        reports.gmail(alice.mail(4)),
    )
    before = box.files()
    assert alice.check() == mailbox.Checked(mails=7, bounced=3, complained=1)
    campaign = alice.campaign
    assert (campaign.bounced_count, campaign.complained_count) == (3, 1)
    assert (campaign.sent_count, campaign.unknown_count) == (5, 0)
    assert alice.suppressed == {
        "r0@example.com": "bounced",
        "r2@example.com": "complained",
        "r4@example.com": "bounced",
    }
    assert box.files() == before  # nothing deleted, moved or marked as read
    row = alice.mailbox
    assert (row.bounced_count, row.complained_count, row.error, row.checking_until) == (3, 1, "", None)
    assert row.checked_at is not None and row.next_check_at == row.checked_at + bounce_mailbox.EVERY


def test_what_was_read_is_not_read_again_and_what_is_new_is(stack: Stack, box: Mailbox) -> None:
    alice = Alice(box)
    box.drop(reports.postfix(alice.mail(0)))
    assert alice.check().mails == 1
    assert alice.check() == mailbox.Checked()
    box.drop(reports.exim(alice.mail(1)))
    assert alice.check() == mailbox.Checked(mails=1, bounced=1)
    assert alice.campaign.bounced_count == 2


def test_after_another_uidvalidity_everything_is_read_again_and_counted_once(stack: Stack, box: Mailbox) -> None:
    alice = Alice(box)
    box.drop(reports.postfix(alice.mail(0)), reports.microsoft365(alice.mail(1)))
    assert alice.check().bounced == 2
    known = alice.mailbox.uid_validity
    box.begin_anew()
    assert alice.check() == mailbox.Checked(mails=2)
    assert alice.mailbox.uid_validity not in (None, known)
    assert (alice.campaign.bounced_count, alice.mailbox.bounced_count) == (2, 2)


def test_a_check_that_dies_before_its_end_loses_and_doubles_nothing(
    stack: Stack, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = Alice(box)
    box.drop(*(reports.postfix(alice.mail(number)) for number in range(3)))
    monkeypatch.setattr(mailbox, "_TOGETHER", 1)
    looked = []

    def dies(folder: imap.Folder, uid: int) -> bytes:
        looked.append(uid)
        if len(looked) == 2:
            raise Trouble("The server went away.")
        return whole(folder, uid)

    whole = imap.Folder.mail
    with monkeypatch.context() as patched:
        patched.setattr(imap.Folder, "mail", dies)
        with pytest.raises(Trouble):
            alice.check()
    assert (alice.campaign.bounced_count, alice.mailbox.error) == (1, "The server went away.")
    assert alice.check() == mailbox.Checked(mails=2, bounced=2)
    assert alice.campaign.bounced_count == 3


def test_a_mail_that_a_worker_has_in_hand_is_waited_for(stack: Stack, box: Mailbox) -> None:
    alice = Alice(box)
    box.drop(*(reports.postfix(alice.mail(number)) for number in range(3)))
    second = col(Message.id) == alice.message_ids[1]
    with db.session() as session:
        session.execute(update(Message).where(second).values(state="sending"))
    assert alice.check() == mailbox.Checked(mails=1, bounced=1)
    with db.session() as session:
        session.execute(update(Message).where(second).values(state="unknown"))
    assert alice.check() == mailbox.Checked(mails=2, bounced=2)


def test_mails_made_to_hurt_do_not_hold_up_the_others(stack: Stack, box: Mailbox) -> None:
    alice = Alice(box)
    report = b"From: MAILER-DAEMON@x\r\nContent-Type: multipart/report; boundary=a\r\n\r\n"
    box.drop(
        report + b"--a\r\n\r\n" * 100_000, report + bytes(range(1, 256)) * 40_000, b"\r\n", b"Subject: returned mail"
    )
    box.drop(reports.postfix(alice.mail(0)))
    assert alice.check() == mailbox.Checked(mails=5, bounced=1)


def test_a_wrong_password_is_tried_once_and_said_and_the_next_save_tries_again(stack: Stack, box: Mailbox) -> None:
    alice = Alice(box, password="wrong horse")
    with pytest.raises(Trouble, match="refused the username or the password") as refused:
        alice.check()
    assert "AUTHENTICATIONFAILED" in refused.value.reply and "wrong horse" not in refused.value.reply
    row = alice.mailbox
    assert (row.next_check_at, row.failures, row.checked_at) == (None, 1, None)
    assert "refused the username or the password" in row.error
    with db.session() as session:
        assert bounce_mailbox.take_turn(session) is None
        values = Values("127.0.0.1", box.port, "none", False, USER, PASSWORD)
        bounce_mailbox.save(session, alice.id, alice.sender_id, values)
    assert alice.mailbox.error == ""
    assert alice.check() == mailbox.Checked()


def test_a_folder_that_is_not_there_is_said(stack: Stack, box: Mailbox) -> None:
    with pytest.raises(Trouble, match="There is no folder Bounces in this mailbox"):
        Alice(box, folder="Bounces").check()


def test_the_task_reads_what_is_due_and_a_server_that_is_away_is_asked_less_and_less(
    stack: Stack, box: Mailbox
) -> None:
    alice = Alice(box)
    box.drop(reports.postfix(alice.mail(0)))
    read_mailboxes()
    assert alice.campaign.bounced_count == 1
    with db.session() as session:
        session.execute(update(BounceMailbox).values(port=1))
    waits = []
    for _ in range(3):
        db.clock_offset += timedelta(hours=2)
        read_mailboxes()
        row = alice.mailbox
        assert row.next_check_at is not None and row.checked_at is not None
        with db.reading() as session:
            waits.append(round((row.next_check_at - db.now(session)).total_seconds() / 60))
    assert waits == [5, 10, 20]
    assert "Nothing answers on port 1" in alice.mailbox.error


def test_two_workers_do_not_read_the_same_mailbox_at_once(stack: Stack, box: Mailbox) -> None:
    alice = Alice(box)
    with db.session() as session:
        assert bounce_mailbox.take_turn(session) is not None
    with db.session() as session:
        assert bounce_mailbox.take_turn(session) is None
    with pytest.raises(RuleError, match="being read just now"):
        alice.check()
    db.clock_offset += timedelta(minutes=3)  # who read it has died
    assert alice.check() == mailbox.Checked()


def test_a_check_of_the_mailbox_as_it_was_before_its_user_changed_it_writes_nothing(stack: Stack, box: Mailbox) -> None:
    alice = Alice(box)
    box.drop(reports.postfix(alice.mail(0)))
    with db.session() as session:
        turn = bounce_mailbox.take_turn(session)
        assert turn is not None
        values = Values("127.0.0.1", box.port, "none", False, "other@example.com", "x")
        bounce_mailbox.save(session, alice.id, alice.sender_id, values)
    assert mailbox.check(turn) == mailbox.Checked()
    row = alice.mailbox
    assert (row.last_uid, row.uid_validity, row.bounced_count, alice.campaign.bounced_count) == (0, None, 0, 0)


def test_a_stranger_neither_checks_nor_sees_a_mailbox_and_its_bounces_count_for_its_owner_only(
    stack: Stack, box: Mailbox
) -> None:
    alice = Alice(box)
    box.drop(reports.postfix(alice.mail(0)), reports.complaint(alice.mail(1)))
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        own = rows.sender(session, charlie)
        assert own.id is not None
        values = Values("127.0.0.1", box.port, "none", False, USER, PASSWORD)
        bounce_mailbox.save(session, charlie, own.id, values)
        assert alice.sender_id not in bounce_mailbox.list_all(session, charlie)
        for forbidden in (bounce_mailbox.remove, lambda *who: bounce_mailbox.save(*who, values)):
            with pytest.raises(NotFound):
                forbidden(session, charlie, alice.sender_id)
    with pytest.raises(NotFound):
        mailbox.check_now(charlie, alice.sender_id)
    assert mailbox.check_now(charlie, own.id) == mailbox.Checked(mails=2)  # Alice's bounces, in Charlie's mailbox
    assert (alice.campaign.bounced_count, alice.campaign.complained_count, alice.suppressed) == (0, 0, {})


def test_a_deleted_sender_is_not_checked_any_more(stack: Stack, box: Mailbox) -> None:
    from core.delivery import senders

    alice = Alice(box)
    with db.session() as session:
        senders.delete(session, alice.id, alice.sender_id)
        assert bounce_mailbox.take_turn(session) is None
        assert session.get(BounceMailbox, alice.sender_id) is None
        assert session.get_one(Sender, alice.sender_id).deleted_at is not None


@pytest.mark.parametrize("case", ["trusted", "self-signed", "other host"])
def test_the_mailbox_server_must_be_who_it_says(
    case: str, sqlite_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = certificate(tmp_path, 9, "other.example" if case == "other host" else "localhost")
    trust(certificate(tmp_path, 11) if case == "self-signed" else shown, monkeypatch)
    with dovecot(shown) as box:
        account = Account("localhost", box.port, "starttls", USER, PASSWORD)
        if case == "trusted":
            assert mailbox.try_out(account) == "Signed in to localhost. INBOX has 0 mails."
        else:
            sentence = "signed itself" if case == "self-signed" else "is not for localhost"
            with pytest.raises(Trouble, match=sentence):
                mailbox.try_out(account)


def test_a_password_is_not_sent_where_encryption_was_asked_for_and_is_not_offered(
    sqlite_stack: Stack, box: Mailbox
) -> None:
    with pytest.raises(Trouble, match="does not offer STARTTLS"):
        mailbox.try_out(Account("127.0.0.1", box.port, "starttls", USER, PASSWORD))
    with pytest.raises(Trouble, match="does not begin with TLS"):
        mailbox.try_out(Account("127.0.0.1", box.port, "tls", USER, PASSWORD))
    assert PASSWORD not in box.jail.log
