"""What is read out of a mail in a bounce mailbox: real forms, automatic answers, and mails made to hurt."""

from collections.abc import Callable, Iterator
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import config, crypto
from core.tracking import returned
from core.tracking.returned import BOUNCE, COMPLAINT, MOST_BYTES, may_be_one, read
from tests.core.tracking import reports
from tests.core.tracking.reports import Ours

OURS = Ours(4711, "dead@example.org")


@pytest.fixture(autouse=True)
def key() -> Iterator[None]:
    before = config.settings
    config.use(config.load({"SECRET_KEY": "a secret key only for the tests"}))
    yield
    config.use(before)


def head(raw: bytes) -> bytes:
    """The fields that are asked for before a mail is read."""
    lines = raw.partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ").split(b"\r\n")
    wanted = (b"content-type:", b"from:", b"return-path:", b"subject:", b"x-failed-recipients:")
    return b"\r\n".join(line for line in lines if line.lower().startswith(wanted)) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("make", "status", "words"),
    [
        (reports.postfix, "5.1.1", "550 5.1.1 <dead@example.org>: Recipient address rejected: User unknown"),
        (reports.exim, "5.0.0", "451 4.3.0 Try again later: retry timeout exceeded"),
        (reports.microsoft365, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient dead@example.org not"),
        (reports.gmail, "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist."),
        (reports.ses, "5.2.2", "552 5.2.2 The email account that you tried to reach is over quota"),
        (reports.base64_status, "5.1.1", "550 5.1.1 No such user here"),
    ],
)
def test_a_bounce_tells_which_mail_whose_address_and_the_servers_words(
    make: Callable[[Ours], bytes], status: str, words: str
) -> None:
    raw = make(OURS)
    assert may_be_one(head(raw))
    found = read(raw)
    assert found is not None and (found.what, found.message_id) == (BOUNCE, 4711)
    (failure,) = found.failures
    assert (failure.addresses, failure.status) == ({"dead@example.org"}, status)
    assert failure.words.startswith(words)


def test_a_bounce_in_a_form_of_its_own_is_understood_too() -> None:
    found = read(reports.qmail(OURS))
    assert found is not None and found.message_id == 4711
    assert found.failures[0].addresses == {"dead@example.org"}
    assert "no mailbox here by that name" in found.failures[0].words or "5.1.1" in found.failures[0].words


def test_a_complaint_is_told_from_other_feedback() -> None:
    found = read(reports.complaint(OURS))
    assert found is not None and (found.what, found.message_id) == (COMPLAINT, 4711)
    assert may_be_one(head(reports.complaint(OURS)))
    for kind in ("auth-failure", "not-spam", "other", ""):
        assert read(reports.complaint(OURS, kind)) is None


@pytest.mark.parametrize("make", [reports.delayed, reports.vacation, reports.answer])
def test_what_is_only_delayed_and_answers_of_people_and_machines_are_no_bounces(make: Callable[[Ours], bytes]) -> None:
    assert read(make(OURS)) is None


def test_other_peoples_letters_are_not_even_read() -> None:
    for subject in ("Invoice 550", "Re: lunch", ""):
        assert not may_be_one(f"From: Bob <bob@example.net>\r\nSubject: {subject}\r\n\r\n".encode())


def test_a_bounce_without_our_signature_is_about_no_mail_of_ours() -> None:
    raw = reports.postfix(OURS)
    for purpose in ("message", "unsubscribe"):
        token = crypto.sign(purpose, 4711)
        raw = raw.replace(token.encode(), (token[:-4] + "AAAA").encode())
    assert read(raw) is None
    # A token of another kind proves nothing: that of the pixel is in every copy of the mail that is passed on.
    opened = crypto.sign("open", 4711).encode()
    assert read(reports.postfix(OURS).replace(crypto.sign("message", 4711).encode(), opened)) is not None
    both = reports.postfix(OURS).replace(crypto.sign("message", 4711).encode(), opened)
    assert read(both.replace(crypto.sign("unsubscribe", 4711).encode(), opened)) is None


def test_a_bounce_is_known_by_the_unsubscribe_header_too_with_a_page_or_without() -> None:
    raw = reports.postfix(OURS).replace(crypto.sign("message", 4711).encode(), b"x" * 32)
    by_mail = f"<mailto:news@example.com?subject=unsubscribe%20{crypto.sign('unsubscribe', 4711)}>"
    assert OURS.unsubscribe.encode() in raw
    for header in (OURS.unsubscribe, by_mail):
        found = read(raw.replace(OURS.unsubscribe.encode(), header.encode()))
        assert found is not None and found.message_id == 4711


def test_a_bounce_of_somebody_elses_mail_that_quotes_ours_in_its_own_head_proves_nothing() -> None:
    raw = reports.postfix(OURS)
    for purpose in ("message", "unsubscribe"):
        raw = raw.replace(crypto.sign(purpose, 4711).encode(), b"x" * 32)
    quoting = f"References: {OURS.message_id}\r\nIn-Reply-To: {OURS.message_id}\r\n".encode()
    assert read(quoting + raw) is None


def _many_parts() -> bytes:
    return b"Content-Type: multipart/report; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * 100_000


def _nested() -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * 9_000


def _nested_multiparts() -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(4_000))


def _one_line() -> bytes:
    return b"From: MAILER-DAEMON@x\r\nX-Failed-Recipients: a@b.c\r\n\r\n" + b"To: a" * 200_000


def _addresses() -> bytes:
    return b"From: MAILER-DAEMON@x\r\nX-Failed-Recipients: a@b.c\r\n\r\n" + b"-- <a@a> 550 " * 20_000


def _binary() -> bytes:
    return (
        b"From: MAILER-DAEMON\r\nContent-Type: multipart/report; boundary=x\r\n\r\n--x\r\n" + bytes(range(256)) * 1_000
    )


def _tokens() -> bytes:
    return reports.qmail(OURS).partition(b"---")[0] + b"A" * 32 + b"@" + (b" " + b"B" * 32 + b"@") * 8_000


def _fields() -> bytes:
    return b"Content-Type: message/delivery-status\r\n\r\n" + b"Action: failed\r\n\r\n" * 16_000


def _quoted_printable() -> bytes:
    return (
        b"From: MAILER-DAEMON@x\r\nContent-Type: text/plain; charset=utf-7\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n=" * 80_000
    )


@pytest.mark.parametrize(
    "make",
    [
        _many_parts,
        _nested,
        _nested_multiparts,
        _one_line,
        _addresses,
        _binary,
        _tokens,
        _fields,
        _quoted_printable,
    ],
)
def test_a_mail_made_to_hurt_costs_little_and_says_nothing(make: Callable[[], bytes]) -> None:
    raw = make()[:MOST_BYTES]
    began = process_time()
    assert read(raw) is None
    assert process_time() - began < 2
    may_be_one(raw)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_bounce_makes_reading_it_fail(data: st.DataObject) -> None:
    make = data.draw(st.sampled_from([reports.postfix, reports.microsoft365, reports.qmail, reports.complaint]))
    raw = bytearray(make(OURS))
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
    found = read(bytes(raw))
    assert found is None or found.message_id == 4711
    may_be_one(bytes(raw))


def test_a_returned_mail_that_is_cut_off_still_tells_which_it_was() -> None:
    raw = reports.postfix(OURS)
    cut = raw[: raw.index(b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative")]
    found = read(cut)
    assert found is not None and found.message_id == 4711


def test_a_name_that_is_not_ascii_hides_no_bounce() -> None:
    raw = reports.qmail(OURS).replace(b"From: MAILER-DAEMON", "From: Zustellfehler für <MAILER-DAEMON".encode())
    found = read(raw)
    assert found is not None and found.failures[0].addresses == {"dead@example.org"}


def test_flufl_is_quiet_about_its_work(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        returned.read(reports.qmail(OURS))
    assert not caplog.records


@pytest.mark.parametrize("subject", ["unsubscribe {}", "Unsubscribe {}", "Re: unsubscribe {}", "unsubscribe: {}"])
def test_a_mail_that_the_unsubscribe_link_wrote_says_whose_wish_it_is(subject: str) -> None:
    token = crypto.sign("unsubscribe", OURS.number)
    raw = f"From: dead@example.org\r\nSubject: {subject.format(token)}\r\n\r\n".encode()
    assert may_be_one(head(raw)) and read(raw) == returned.Returned(returned.UNSUBSCRIBE, OURS.number)


@pytest.mark.parametrize("token", ["", "A" * 32, "of a message", "please"])
def test_only_a_signed_wish_to_unsubscribe_is_believed(token: str) -> None:
    if token == "of a message":
        token = crypto.sign("message", 4711) + "x"
    assert read(f"From: dead@example.org\r\nSubject: unsubscribe {token}\r\n\r\n".encode()) is None
    other = crypto.sign("open", OURS.number)
    assert read(f"From: dead@example.org\r\nSubject: unsubscribe {other}\r\n\r\n".encode()) is None
