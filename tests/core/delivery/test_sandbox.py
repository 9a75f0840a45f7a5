"""The sandbox keeps what came in, newest first, each user's own; nothing in a mail can break it."""

import random

import pytest

from core import db, live
from core.delivery import sandbox, senders
from core.errors import NotFound
from core.models import SandboxMail
from tests import rows
from tests.conftest import Stack

MAIL = (
    b"From: Anna <anna@example.com>\r\nTo: ben@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"List-Unsubscribe: <https://example.com/u/1>,\r\n <mailto:u@example.com>\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
    b"Hello Ben\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<p>Hello =E2=9C=93</p>\r\n--b--\r\n"
)


def received(user_id: int, to: str = "ben@example.com", raw: bytes = MAIL) -> sandbox.Received:
    return sandbox.Received(user_id, "anna@example.com", to, raw)


def two_users() -> tuple[int, int]:
    with db.session() as session:
        return rows.user(session), rows.user(session, "charlie@example.com")


def test_mails_are_listed_newest_first_searched_and_taken_apart(stack: Stack) -> None:
    anna, charlie = two_users()
    other = MAIL.replace(b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"100% off_today")
    with db.session() as session:
        sandbox.store(session, [received(anna), received(anna, "Carla@example.com", other)])
    with db.reading() as session:
        assert [line.subject for line in sandbox.listed(session, anna)] == ["100% off_today", "Grüße"]
        assert [line.rcpt_to for line in sandbox.listed(session, anna, "carla")] == ["Carla@example.com"]
        assert len(sandbox.listed(session, anna, "0% OFF_")) == 1 and sandbox.listed(session, anna, "_x%") == []
        newest, oldest = sandbox.listed(session, anna)
        assert sandbox.listed(session, anna, before=newest.id) == [oldest]
        mail = sandbox.opened(session, anna, oldest.id)
        assert (mail.text.strip(), mail.html.strip()) == ("Hello Ben", "<p>Hello ✓</p>")
        assert ("Subject", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=") in mail.headers and mail.line.size == len(MAIL)
        assert ("List-Unsubscribe", "<https://example.com/u/1>,\n <mailto:u@example.com>") in mail.headers
        assert sandbox.listed(session, charlie) == []
        with pytest.raises(NotFound):
            sandbox.opened(session, charlie, oldest.id)


def test_an_international_domain_is_found_in_both_spellings(stack: Stack) -> None:
    anna, _ = two_users()
    with db.session() as session:
        sandbox.store(session, [received(anna, "kunde@xn--mller-kva.de"), received(anna, "kunde@mailer.de")])
    with db.reading() as session:
        for words in ("Kunde@Müller.de", "@müller.d", "MÜLLER", "müller.de", "xn--mller", "e@xn--mller-kva.de"):
            found = [line.rcpt_to for line in sandbox.listed(session, anna, words)]
            assert found == ["kunde@xn--mller-kva.de"] and sandbox.count(session, anna, words) == 1, words


def test_only_the_newest_of_each_user_are_kept(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "KEEP", 3)
    anna, charlie = two_users()
    heard: list[live.Hint] = []
    with db.session() as session:
        sandbox.store(session, [received(charlie)])
    stop = live.subscribe(heard.append) if stack.name == "sqlite" else lambda: None
    for number in range(5):
        with db.session() as session:
            sandbox.store(session, [received(anna, f"r{number}@example.com")])
    stop()
    with db.reading() as session:
        kept = [line.rcpt_to for line in sandbox.listed(session, anna)]
        assert kept == ["r4@example.com", "r3@example.com", "r2@example.com"]
        assert len(sandbox.listed(session, charlie)) == 1
    assert set(heard) <= {live.Hint(anna, "sandbox")} and (heard or stack.name == "postgres")


def test_mails_that_are_large_leave_room_for_fewer_but_the_newest_is_kept(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, _ = two_users()
    monkeypatch.setattr(sandbox, "KEEP_BYTES", 2 * len(received(anna).raw))
    with db.session() as session:
        sandbox.store(session, [received(anna, f"r{number}@example.com") for number in range(4)])
        assert [line.rcpt_to for line in sandbox.listed(session, anna)] == ["r3@example.com", "r2@example.com"]
        monkeypatch.setattr(sandbox, "KEEP_BYTES", 10)
        sandbox.store(session, [received(anna, "r4@example.com")])
        assert [line.rcpt_to for line in sandbox.listed(session, anna)] == ["r4@example.com"]


def test_deleting_all_empties_ones_own_sandbox_only(stack: Stack) -> None:
    anna, charlie = two_users()
    with db.session() as session:
        sandbox.store(session, [received(anna), received(anna), received(charlie)])
    with db.session() as session:
        assert sandbox.delete_all(session, anna) == 2
        assert sandbox.listed(session, anna) == [] and len(sandbox.listed(session, charlie)) == 1


def test_a_sign_in_belongs_to_the_owner_of_that_sandbox_sender(sqlite_stack: Stack) -> None:
    anna, charlie = two_users()
    with db.session() as session:
        hers, his = senders.add_sandbox(session, anna), senders.add_sandbox(session, charlie)
        real = senders.create(
            session,
            anna,
            senders.Values(
                name="R", host="h.example", username="sandbox-9", password="p", from_address="a@example.com"
            ),
        )
        assert sandbox.owner(session, hers.username, senders.password(hers)) == anna
        assert sandbox.owner(session, his.username, senders.password(his)) == charlie
        assert sandbox.owner(session, hers.username, senders.password(his)) is None
        assert sandbox.owner(session, hers.username, "") is None
        assert sandbox.owner(session, real.username, "p") is None
        hers.password_sealed = "broken"
        assert sandbox.owner(session, hers.username, "") is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"no header at all",
        b"Subject: =?utf-8?q?=0d=0aBcc:_evil=40x.y?=\r\n\r\nx",
        b"Subject: =?nonsense?b?////?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe",
        b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n',
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + b"--x\r\n" * 200,
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!",
        b"To: " + b"<" * 5000 + b"\r\n\r\n",
        b"Subject: \x00\x1b[31m\xed\xa0\x80\r\n\r\n<script>alert(1)</script>",
        bytes(random.Random(7).randrange(256) for _ in range(5000)),
    ],
)
def test_no_mail_however_broken_stops_the_sandbox(sqlite_stack: Stack, raw: bytes) -> None:
    anna, _ = two_users()
    with db.session() as session:
        sandbox.store(session, [received(anna, raw=raw)])
    with db.reading() as session:
        (line,) = sandbox.listed(session, anna)
        mail = sandbox.opened(session, anna, line.id)
        assert "\n" not in line.subject and line.subject.isprintable() and isinstance(mail.html, str)
        assert session.get_one(SandboxMail, line.id).raw == raw


def test_attachments_are_named_and_not_shown_as_text(sqlite_stack: Stack) -> None:
    raw = (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHi\r\n'
        b'--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename="a.html"\r\n\r\n<b>no</b>\r\n'
        b"--b\r\nContent-Type: image/png\r\n\r\nxx\r\n--b--\r\n"
    )
    anna, _ = two_users()
    with db.session() as session:
        sandbox.store(session, [received(anna, raw=raw)])
    with db.reading() as session:
        mail = sandbox.opened(session, anna, sandbox.listed(session, anna)[0].id)
    assert (mail.text.strip(), mail.html, mail.attachments) == ("Hi", "", ("a.html", "image/png"))
