"""Senders: whose they are, what may be typed, what a page may know, which servers we connect to."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import clock, config, crypto, db, live
from core.delivery import hosts, senders
from core.errors import NotFound, RuleError
from core.models import Campaign, CampaignStatus, Meta, Sender, SenderState
from tests import rows
from tests.conftest import Stack

SECRET = "canary-password-7Q"
GOOD = senders.Values(
    name="News", host="smtp.example.com", username="anna", password=SECRET, from_address="anna@example.com"
)


def made(user_email: str = "anna@example.com", **changes: Any) -> tuple[int, int]:
    """A user with one sender: (user id, sender id)."""
    with db.session() as session:
        user_id = rows.user(session, user_email)
        sender_id = senders.create(session, user_id, replace(GOOD, **changes)).id
    assert sender_id is not None
    return user_id, sender_id


def test_a_password_is_kept_sealed_and_bound_to_its_row(stack: Stack) -> None:
    _, sender_id = made()
    with db.reading() as session:
        sender = session.get_one(Sender, sender_id)
        assert SECRET not in repr(sender.model_dump()) and senders.has_password(sender)
        assert senders.password(sender) == SECRET
        with pytest.raises(crypto.SealBroken):
            crypto.unseal(sender.password_sealed, f"sender:{sender_id + 1}")


def test_saving_keeps_the_password_unless_one_is_typed_and_unblocks(stack: Stack) -> None:
    user_id, sender_id = made()
    with db.session() as session:
        blocked = session.get_one(Sender, sender_id)
        blocked.state, blocked.state_kind, blocked.state_reply = SenderState.blocked, "auth", "535 no"
    with db.session() as session:
        senders.save(session, user_id, sender_id, replace(GOOD, name="Weekly", password=None, per_hour=100))
        sender = senders.get(session, user_id, sender_id)
        assert (sender.name, sender.per_hour, senders.password(sender)) == ("Weekly", 100, SECRET)
        assert (sender.state, sender.state_kind, sender.state_reply) == (SenderState.ready, "auth", "")
        senders.save(session, user_id, sender_id, replace(GOOD, password="new"))
        assert senders.password(senders.get(session, user_id, sender_id)) == "new"
        assert sender.state_kind == ""  # that was another account
        senders.save(session, user_id, sender_id, replace(GOOD, password=""))
        assert not senders.has_password(senders.get(session, user_id, sender_id))


def test_an_international_domain_is_kept_as_dns_has_it(stack: Stack) -> None:
    user_id, sender_id = made(from_address=" Info@MÜLLER.de ", reply_to="post@faß.example")
    with db.session() as session:
        sender = senders.get(session, user_id, sender_id)
        assert (sender.from_address, sender.reply_to) == (
            "Info@xn--mller-kva.de",
            "post@xn--fa-hia.example",
        )
        assert senders.from_line(sender) == "Info@müller.de"
        sender.from_address = "info@müller.de"  # as it was kept before
        session.flush()
        senders.save(session, user_id, sender_id, replace(GOOD, from_address="info@müller.de", reply_to=""))
        assert (sender.from_address, sender.reply_to) == ("info@xn--mller-kva.de", "")


@pytest.mark.parametrize(
    ("changes", "state", "known"),
    [
        ({"name": "Weekly", "per_hour": 9, "from_address": "a@example.org"}, "ready", ""),
        ({"password": SECRET}, "ready", ""),
        ({"password": "another"}, "ready", None),
        ({"port": 465}, "ready", None),
        ({"host": "smtp.example.org", "password": SECRET}, "ready", None),
        ({}, "blocked", None),
    ],
)
def test_another_account_was_never_tested(stack: Stack, changes: dict[str, Any], state: str, known: str | None) -> None:
    user_id, sender_id = made()
    with db.session() as session:
        session.get_one(Sender, sender_id).sqlmodel_update({"test_problem": "", "state": state})
    with db.session() as session:
        senders.save(session, user_id, sender_id, replace(GOOD, **{"password": None} | changes))
        assert senders.get(session, user_id, sender_id).test_problem == known


def test_a_kept_password_is_never_sent_to_another_server(stack: Stack) -> None:
    user_id, sender_id = made()
    for elsewhere in (replace(GOOD, host="evil.example", password=None), replace(GOOD, username="ben", password=None)):
        with pytest.raises(senders.Invalid) as wrong, db.session() as session:
            senders.save(session, user_id, sender_id, elsewhere)
        assert list(wrong.value.problems) == ["password"]
    with db.session() as session:
        senders.save(session, user_id, sender_id, replace(GOOD, host="smtp2.example.com", password=SECRET))
        senders.save(session, user_id, sender_id, replace(GOOD, host="smtp3.example.com", username="", password=""))


def test_a_raised_limit_of_the_day_is_used_today(stack: Stack) -> None:
    user_id, sender_id = made(per_day=100)
    with db.session() as session:
        now = db.now(session)
        session.get_one(Sender, sender_id).next_start_at = now + timedelta(hours=20)
    with db.session() as session:
        senders.save(session, user_id, sender_id, replace(GOOD, per_day=1000))
    with db.reading() as session:
        next_start_at = senders.get(session, user_id, sender_id).next_start_at
        assert next_start_at is not None and next_start_at < now + timedelta(minutes=2)
    with db.session() as session:
        session.get_one(Sender, sender_id).next_start_at = soon = now + timedelta(seconds=3)
    with db.session() as session:
        senders.save(session, user_id, sender_id, GOOD)
        assert senders.get(session, user_id, sender_id).next_start_at == soon  # no burst by saving


def test_saving_does_not_end_a_cooldown_but_another_account_does(stack: Stack) -> None:
    user_id, sender_id = made()
    with db.session() as session:
        cooling = session.get_one(Sender, sender_id)
        cooling.state, cooling.cooling_until, cooling.state_kind = SenderState.cooling, db.now(session), "quota_hour"
    for values, state in ((replace(GOOD, per_minute=5), "cooling"), (replace(GOOD, username="ben"), "ready")):
        with db.session() as session:
            senders.save(session, user_id, sender_id, values)
        with db.reading() as session:
            sender = senders.get(session, user_id, sender_id)
            assert sender.state == state and (sender.cooling_until is None) == (state == "ready")


def test_a_stranger_finds_changes_and_deletes_nothing(stack: Stack) -> None:
    _, sender_id = made()
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        assert senders.list_all(session, charlie) == [] and senders.default(session, charlie) is None
        for act in (
            lambda: senders.get(session, charlie, sender_id),
            lambda: senders.save(session, charlie, sender_id, GOOD),
            lambda: senders.delete(session, charlie, sender_id),
            lambda: senders.make_default(session, charlie, sender_id),
        ):
            with pytest.raises(NotFound):
                act()


def test_the_first_real_sender_becomes_the_default_instead_of_the_sandbox(stack: Stack) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        sandbox = senders.add_sandbox(session, user_id)
        assert sandbox.is_default and senders.password(sandbox)
        first = senders.create(session, user_id, GOOD)
        second = senders.create(session, user_id, replace(GOOD, name="Second"))
        assert [sender.name for sender in senders.list_all(session, user_id)] == ["News", "Second", "Sandbox"]
        assert first.id and second.id
        senders.make_default(session, user_id, second.id)
        assert [sender.is_default for sender in senders.list_all(session, user_id)] == [True, False, False]
        assert senders.delete(session, user_id, second.id) == first
        chosen = senders.default(session, user_id)
        assert chosen is not None and chosen.id == first.id and chosen.is_default
        with pytest.raises(RuleError, match="cannot be deleted"):
            senders.delete(session, user_id, sandbox.id or 0)


def test_a_sender_in_use_is_not_deleted_and_one_with_history_stays_for_it(stack: Stack) -> None:
    user_id, sender_id = made()
    with db.session() as session:
        campaign_id = rows.campaign(session, user_id, sender_id=sender_id, status=CampaignStatus.paused, name="Spring")
        draft_id = rows.campaign(session, user_id, sender_id=sender_id, status=CampaignStatus.draft, name="Draft")
    with db.session() as session, pytest.raises(RuleError, match="used by “Spring”"):
        senders.delete(session, user_id, sender_id)
    with db.session() as session:
        session.get_one(Campaign, campaign_id).status = CampaignStatus.sent
    with db.session() as session:
        senders.delete(session, user_id, sender_id)
    with db.reading() as session:
        assert senders.list_all(session, user_id) == []
        kept = session.get_one(Sender, sender_id)
        assert kept.deleted_at and kept.name == "News" and kept.password_sealed == ""
        assert session.get_one(Campaign, campaign_id).sender_id == sender_id
        assert session.get_one(Campaign, draft_id).sender_id is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("host", ""),
        ("host", "https://smtp.example.com"),
        ("host", "smtp.example.com:587"),
        ("host", "a b"),
        ("port", 0),
        ("port", 65536),
        ("port", None),
        ("security", "ssl"),
        ("from_address", ""),
        ("from_address", "anna"),
        ("from_address", "anna@shop.test"),
        ("from_address", "anna@test"),
        ("from_address", "anna@shop.invalid"),
        ("from_address", "anna@shop.localhost"),
        ("from_address", "anna@example.com\r\nBcc: x@example.com"),
        ("from_name", "Anna\nBcc: x@example.com"),
        ("reply_to", "nobody"),
        ("reply_to", "nobody@shop.test"),
        ("per_minute", 0),
        ("per_hour", -1),
        ("per_day", 0),
        ("connections", 0),
        ("connections", None),
        ("batch_size", 0),
        ("refresh_after", 0),
        ("delay_seconds", -1.0),
        ("delay_seconds", float("nan")),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence_at_its_field(field: str, value: object) -> None:
    found = senders.problems(replace(GOOD, **{field: value}))  # type: ignore[arg-type]
    assert list(found) == [field] and found[field].endswith(".")


def test_names_are_told_apart_per_user(sqlite_stack: Stack) -> None:
    user_id, _ = made()
    made("ben@example.com")
    with db.session() as session, pytest.raises(senders.Invalid) as caught:
        senders.create(session, user_id, replace(GOOD, name="news "))
    assert list(caught.value.problems) == ["name"]


def test_the_sandbox_keeps_its_own_account_whatever_is_saved(sqlite_stack: Stack) -> None:
    with db.session() as session:
        user_id = rows.user(session)
        sandbox = senders.add_sandbox(session, user_id)
        before, secret = sandbox.username, senders.password(sandbox)
        assert sandbox.id
        senders.save(session, user_id, sandbox.id, replace(GOOD, name="Try", per_minute=10, password="mine"))
        after = senders.get(session, user_id, sandbox.id)
        assert (after.username, senders.password(after), after.host) == (before, secret, "sandbox")
        assert (after.name, after.per_minute) == ("Try", 10)


def test_addresses_and_the_tracking_base_of_sandbox_and_real_senders(sqlite_stack: Stack) -> None:
    user_id, sender_id = made()
    with db.session() as session:
        sandbox, real = senders.add_sandbox(session, user_id), senders.get(session, user_id, sender_id)
        assert senders.address(real) == ("smtp.example.com", 587)
        with pytest.raises(RuleError, match="not running"):
            senders.address(sandbox)
        senders.sandbox_listens(40123)
        session.add(Meta(key="web_url", value="http://127.0.0.1:8080"))
        session.flush()
        assert senders.address(sandbox) == ("127.0.0.1", 40123)
        senders.sandbox_listens(None)
        assert senders.tracking_base(session, sandbox) == "http://127.0.0.1:8080"
        assert senders.tracking_base(session, real) == ""
        config.use(config.load({**sqlite_stack.env, "BASE_URL": "https://mail.example.com"}))
        assert senders.tracking_base(session, real) == senders.tracking_base(session, sandbox)


def test_a_change_is_told_to_the_users_pages_after_the_commit(sqlite_stack: Stack) -> None:
    heard: list[live.Hint] = []
    stop = live.subscribe(heard.append)
    user_id, sender_id = made()
    stop()
    assert live.Hint(user_id, "sender", sender_id) in heard


@pytest.fixture
def public_only(sqlite_stack: Stack) -> None:
    config.use(config.load({**sqlite_stack.env, "SMTP_ALLOW_PRIVATE": "no"}))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "::1", "0.0.0.0", "2130706433", "127.1", "10.0.0.8", "192.168.1.1", "169.254.169.254",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fd00::1", "64:ff9b::7f00:1", "2002:7f00:1::", "100.64.0.1",
        "224.0.0.1", "64:ff9b:1::7f00:1", "64:ff9b:1::808:808", "64:ff9b:1:7f00:0:100::", "::ffff:0:7f00:1", "::7f00:1",
        "::127.0.0.1", "fec0::1", "5f00::1",
    ],
)  # fmt: skip
def test_private_addresses_are_refused_however_they_are_written(public_only: None, host: str) -> None:
    with pytest.raises((hosts.HostRefused, hosts.HostNotFound)):
        senders.resolve(host, 587)


def test_ports_that_are_not_for_mail_are_refused(public_only: None) -> None:
    with pytest.raises(hosts.HostRefused, match="6379"):
        senders.resolve("192.0.2.1", 6379)
    for host in ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:4860::8"):
        assert hosts.may_connect(host), host
    assert senders.resolve("8.8.8.8", 587) == "8.8.8.8"


def test_a_name_that_means_both_worlds_gives_the_public_address(
    public_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [(2, 1, 6, "", ("10.0.0.1", 25)), (10, 1, 6, "", ("2001:4860::8", 25, 0, 0))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answers)
    assert senders.resolve("flips.example.com", 25) == "2001:4860::8"


def test_on_a_private_installation_the_local_network_is_fine_but_never_metadata(sqlite_stack: Stack) -> None:
    assert senders.resolve("127.0.0.1", 2500) == "127.0.0.1"
    with pytest.raises(hosts.HostRefused):
        senders.resolve("169.254.169.254", 80)
    for host in ("::a9fe:a9fe", "::ffff:0:a9fe:a9fe", "64:ff9b:1::a9fe:a9fe"):
        assert not hosts.may_connect(host), host
    assert hosts.may_connect("::1") and hosts.may_connect("fec0::1")
    with pytest.raises(hosts.HostNotFound, match="Check the spelling"):
        senders.resolve("no-such-host.invalid", 25)


def test_a_sender_is_called_by_its_name_with_the_provider_that_it_does_not_tell() -> None:
    def called(name: str, host: str) -> str:
        return senders.called(Sender(user_id=1, name=name, host=host, created_at=clock.utcnow()))

    assert called("Mein Server", "smtp.hostinger.com") == "Mein Server (Hostinger)"
    assert called("My hostinger account", "smtp.hostinger.com") == "My hostinger account"
    assert called("Mein Server", "mail.example.com") == "Mein Server"
