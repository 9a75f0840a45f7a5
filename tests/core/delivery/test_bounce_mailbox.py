"""The settings of a bounce mailbox: guessed, checked, sealed, and its password for one server only."""

from dataclasses import replace

import pytest
from sqlmodel import select

from core import db
from core.delivery import bounce_mailbox, presets, senders
from core.delivery.bounce_mailbox import Values
from core.delivery.sender_values import Invalid
from core.errors import NotFound, RuleError
from core.models import BounceMailbox
from tests import rows
from tests.conftest import Stack

SENDER = senders.Values(
    name="News", host="smtp.hostinger.com", username="anna", password="canary-smtp", from_address="anna@example.com"
)
OWN = Values("imap.example.com", same_sign_in=False, username="bounces@example.com", password="canary-imap")


def a_sender() -> tuple[int, int]:
    with db.session() as session:
        user_id = rows.user(session)
        sender_id = senders.create(session, user_id, SENDER).id
    assert sender_id is not None
    return user_id, sender_id


def save(user_id: int, sender_id: int, values: Values, new_secret: bool = False) -> BounceMailbox:
    with db.session() as session:
        bounce_mailbox.save(session, user_id, sender_id, values, new_secret)
    with db.reading() as session:
        return session.get_one(BounceMailbox, sender_id)


@pytest.mark.parametrize(
    ("smtp", "imap"),
    [
        ("smtp.hostinger.com", "imap.hostinger.com"),
        ("SMTP.gmail.com.", "imap.gmail.com"),
        ("smtppro.zoho.com", "imappro.zoho.com"),
        ("smtp.mail.me.com", "imap.mail.me.com"),
        ("smtp.small-host.example", "imap.small-host.example"),
        ("mail.example.com", "mail.example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("email-smtp.eu-west-1.amazonaws.com", ""),
        ("smtp.sendgrid.net", ""),
        ("", ""),
    ],
)
def test_the_mailbox_is_guessed_from_where_the_mails_go_out(smtp: str, imap: str) -> None:
    found = bounce_mailbox.guess(smtp)
    assert (found.host, found.port, found.security) == (imap, 993, "tls")
    assert found.same_sign_in is bool(imap)


def test_every_preset_has_a_guess_or_only_sends() -> None:
    only_send = {"ses", "sendgrid", "mailgun", "brevo", "postmark", "other"}
    assert {preset.id for preset in presets.ALL if not bounce_mailbox.guess(preset.host).host} == only_send


def test_what_cannot_work_is_said_at_its_field(stack: Stack) -> None:
    user_id, sender_id = a_sender()
    wrong = Values("https://x", 0, "ssl", False, "", None, "Rückläufer\n")
    with pytest.raises(Invalid) as refused:
        save(user_id, sender_id, wrong)
    fields = ("host", "port", "security", "username", "folder")
    assert set(refused.value.problems) == {f"mailbox_{name}" for name in fields}


def test_the_password_is_sealed_and_kept_until_another_is_typed(stack: Stack) -> None:
    user_id, sender_id = a_sender()
    row = save(user_id, sender_id, OWN)
    assert "canary" not in row.model_dump_json() and row.password_sealed
    again = save(user_id, sender_id, replace(OWN, password=None, folder="Bounces"))
    assert again.password_sealed == row.password_sealed and again.version == 2
    with db.session() as session:
        turn = bounce_mailbox.take_turn(session)
    assert turn is not None and turn.account.password == "canary-imap"
    assert "canary" not in repr(turn)


def test_the_senders_own_sign_in_is_used_where_that_is_wanted(stack: Stack) -> None:
    user_id, sender_id = a_sender()
    save(user_id, sender_id, bounce_mailbox.guess("smtp.hostinger.com"))
    with db.session() as session:
        turn = bounce_mailbox.take_turn(session)
    assert turn is not None and turn.account.host == "imap.hostinger.com"
    assert (turn.account.username, turn.account.password) == ("anna", "canary-smtp")


def test_a_kept_password_goes_to_no_other_server(stack: Stack) -> None:
    """Whoever gets at a session could have it sent to a server of their own."""
    user_id, sender_id = a_sender()
    evil = Values("imap.evil.example")
    with pytest.raises(Invalid, match="password again"):
        save(user_id, sender_id, evil)
    with db.reading() as session, pytest.raises(RuleError, match="password again"):
        bounce_mailbox.account(session, user_id, sender_id, evil)
    assert save(user_id, sender_id, evil, new_secret=True).host == "imap.evil.example"  # who typed it knows it
    save(user_id, sender_id, OWN)
    for other in (replace(OWN, host="imap.evil.example"), replace(OWN, username="else@example.com")):
        with pytest.raises(Invalid, match="another mailbox"):
            save(user_id, sender_id, replace(other, password=None))
    with pytest.raises(Invalid, match="Enter the password of the mailbox"):
        user_two, other_sender = _second()
        save(user_two, other_sender, replace(OWN, password=None))


def _second() -> tuple[int, int]:
    with db.session() as session:
        user_id = rows.user(session, "bob@example.com")
        sender_id = senders.create(session, user_id, SENDER).id
    assert sender_id is not None
    return user_id, sender_id


def test_another_mailbox_is_read_from_its_beginning_and_the_same_one_goes_on(stack: Stack) -> None:
    user_id, sender_id = a_sender()
    save(user_id, sender_id, OWN)
    for values, last_uid in ((replace(OWN, port=143, security="starttls"), 7), (replace(OWN, folder="Bounces"), 0)):
        with db.session() as session:
            row = session.get_one(BounceMailbox, sender_id)
            row.uid_validity, row.last_uid = 5, 7
        assert save(user_id, sender_id, values).last_uid == last_uid


def test_a_password_that_another_secret_key_sealed_is_told_and_holds_up_nobody(stack: Stack) -> None:
    user_id, sender_id = a_sender()
    save(user_id, sender_id, OWN)
    with db.session() as session:
        session.exec(select(BounceMailbox)).one().password_sealed = "AAAA"
        turn = bounce_mailbox.take_turn(session)
    assert turn is not None and "SECRET_KEY" in turn.broken


def test_the_sandbox_has_no_bounce_mailbox_and_strangers_reach_none(stack: Stack) -> None:
    user_id, sender_id = a_sender()
    save(user_id, sender_id, OWN)
    with db.session() as session:
        sandbox = senders.add_sandbox(session, user_id).id
        assert sandbox is not None
        with pytest.raises(RuleError, match="sandbox"):
            bounce_mailbox.save(session, user_id, sandbox, OWN)
        charlie = rows.user(session, "charlie@example.com")
        assert bounce_mailbox.list_all(session, charlie) == {}
        for call in (
            lambda: bounce_mailbox.save(session, charlie, sender_id, OWN),
            lambda: bounce_mailbox.remove(session, charlie, sender_id),
            lambda: bounce_mailbox.account(session, charlie, sender_id, OWN),
            lambda: bounce_mailbox.take_turn(session, charlie, sender_id),
        ):
            with pytest.raises(NotFound):
                call()
        bounce_mailbox.remove(session, user_id, sender_id)
        assert bounce_mailbox.list_all(session, user_id) == {}
