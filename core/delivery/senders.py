"""Senders: From identity, SMTP account and its limits. A password goes in sealed and never comes out to a page."""

import secrets
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, update
from sqlalchemy import delete as sql_delete
from sqlmodel import Session, col, select

from core import config, crypto, db, live
from core.audience import addresses
from core.delivery import hosts, learned, lease, new_limits, presets, usage, warmup, windows
from core.delivery.replies import UNREACHED
from core.delivery.sender_values import Invalid, Values, problems
from core.errors import NotFound, RuleError
from core.models import BounceMailbox, Campaign, CampaignStatus, Meta, Security, Sender, SenderState, User

WEB_KEY = "web_url"  # in Meta, written when the web starts

_sender: Any = Sender.__table__  # type: ignore[attr-defined]
_THIS_MACHINE = "127.0.0.1"
_sandbox_port: int | None = None  # where the sandbox inbox of this process listens
_ACCOUNT = ("host", "port", "security", "username", "preset")
_SLOWEST_PACE = timedelta(seconds=62)  # from start to start at one mail per minute
_REASON = ("state_kind", "state_rule", "state_reply")
_USING = (CampaignStatus.scheduled, CampaignStatus.sending, CampaignStatus.paused)

resolve = hosts.resolve
allowed = hosts.may_connect


def create(session: Session, user_id: int, values: Values) -> Sender:
    """A new sender; the first real one becomes the default. Raises Invalid."""
    checked = _checked(session, user_id, values, None)
    real = select(Sender.id).where(*_of(user_id), col(Sender.is_sandbox).is_(False))
    known = learned.of_host(session, user_id, values.host)
    sender = Sender(user_id=user_id, created_at=db.now(session), **checked, **known)
    first = session.exec(real.limit(1)).first() is None
    session.add(sender)
    session.flush()
    assert sender.id is not None
    if values.password:
        sender.password_sealed = crypto.seal(values.password, f"sender:{sender.id}")
        session.flush()
    if first:
        make_default(session, user_id, sender.id)
    _changed(session, user_id, sender.id)
    return sender


def save(session: Session, user_id: int, sender_id: int, values: Values) -> None:
    """Replace what the user typed; a blocked sender is ready again. Raises Invalid, NotFound."""
    usage.lock(session, [sender_id])
    kept = get(session, user_id, sender_id)
    session.refresh(kept)
    checked = _checked(session, user_id, values, kept)
    checked |= new_limits.change(session, kept, checked)
    if kept.is_sandbox:  # its account is ours
        checked = {name: value for name, value in checked.items() if name not in _ACCOUNT}
    elif values.password is not None:
        sealed = crypto.seal(values.password, f"sender:{sender_id}") if values.password else ""
        checked["password_sealed"] = sealed
    # Its server asked to wait: it does so, unless it is another account now. One that was not reached asked nothing.
    cools_on: ColumnElement[bool] = and_(_sender.c.state == SenderState.cooling, _sender.c.state_rule != UNREACHED)
    if (checked.get("host", kept.host), checked.get("username", kept.username)) != (kept.host, kept.username):
        cools_on = false()
    same = kept.is_sandbox or is_account(kept, values)
    known = case((_sender.c.state != SenderState.blocked, _sender.c.test_problem)) if same else None
    ready: dict[str, Any] = {"state": SenderState.ready, "cooling_until": None, "cooldown_step": 0}
    ready |= dict.fromkeys(_REASON, "")
    if same:  # why it was blocked, until it is known to work again
        ready["state_kind"] = case((_sender.c.state != SenderState.cooling, _sender.c.state_kind), else_="")
    # It may have waited for a full hour or day that has more room now, or a window; the pace per minute is kept.
    soon = db.now(session) + _next_slot(kept)
    next_start_at = case((_sender.c.next_start_at > soon, soon), else_=_sender.c.next_start_at)
    if str(checked.get("host", kept.host)).lower() != kept.host.lower():  # another provider
        checked |= learned.of_host(session, user_id, values.host, sender_id) | {"learned_pinned": False}
    statement = (
        update(_sender)
        .where(_sender.c.id == sender_id, _sender.c.user_id == user_id, _sender.c.deleted_at.is_(None))
        .values(**checked, next_start_at=next_start_at, test_problem=known)
        .values(**{name: case((cools_on, _sender.c[name]), else_=value) for name, value in ready.items()})
    )
    limits, connections = usage.limits_of(kept, now := db.now(session)), kept.connections
    _one(session, statement)
    session.expire(kept)
    # Without limits its owner asks for no start, so it would not see before its next claim that there are some now.
    changed = not limits.any and usage.limits_of(kept, now) != limits
    if kept.owner and (changed or kept.connections < connections):
        lease.call_back(session, sender_id)
    _changed(session, user_id, sender_id)


def delete(session: Session, user_id: int, sender_id: int) -> Sender | None:
    """Remove a sender; its sent campaigns keep their history, drafts lose it. Raises RuleError while it is used.

    Returns the one that is the default in its place, if it was that.
    """
    sender = check_free(session, user_id, sender_id)
    statement = (
        update(_sender)
        .where(_sender.c.id == sender_id, _sender.c.user_id == user_id, _sender.c.deleted_at.is_(None))
        .where(~exists(_using(sender_id)))
        .values(deleted_at=db.now(session), is_default=False, password_sealed="")
    )
    if not session.connection().execute(statement).rowcount:
        check_free(session, user_id, sender_id)
        raise NotFound.of("sender")
    session.execute(
        update(Campaign)
        .where(col(Campaign.sender_id) == sender_id, col(Campaign.status) == CampaignStatus.draft)
        .values(sender_id=None)
    )
    session.execute(sql_delete(BounceMailbox).where(col(BounceMailbox.sender_id) == sender_id))
    session.expire(sender)
    _changed(session, user_id, sender_id)
    return _keep_a_default(session, user_id)


def check_free(session: Session, user_id: int, sender_id: int) -> Sender:
    """The sender, if it can be deleted. Raises RuleError with the campaigns that use it, or for the sandbox."""
    sender = get(session, user_id, sender_id)
    if sender.is_sandbox:
        raise RuleError("The sandbox comes with every account and cannot be deleted.")
    names = session.exec(select(Campaign.name).where(col(Campaign.id).in_(_using(sender_id))).limit(3)).all()
    if names:
        listed = ", ".join(f"“{name or 'Untitled'}”" for name in names)
        raise RuleError(
            f"{sender.name} is used by {listed}. Cancel it or wait until it is sent, then delete the sender."
        )
    return sender


def _using(sender_id: int) -> Any:
    here = (col(Campaign.sender_id) == sender_id, col(Campaign.status).in_(_USING), col(Campaign.deleted_at).is_(None))
    return select(Campaign.id).where(*here)


def make_default(session: Session, user_id: int, sender_id: int) -> None:
    """New campaigns begin with this sender. Raises NotFound."""
    get(session, user_id, sender_id)
    session.execute(
        update(_sender)
        .where(_sender.c.user_id == user_id, _sender.c.deleted_at.is_(None))
        .values(is_default=_sender.c.id == sender_id)
    )
    session.expire_all()
    _changed(session, user_id, sender_id)


def get(session: Session, user_id: int, sender_id: int) -> Sender:
    """Raises NotFound for a stranger's or a deleted one."""
    sender = session.exec(select(Sender).where(*_of(user_id), col(Sender.id) == sender_id)).first()
    if sender is None:
        raise NotFound.of("sender")
    return sender


def list_all(session: Session, user_id: int) -> list[Sender]:
    """The user's senders: the default first, the sandbox last."""
    order = (col(Sender.is_default).desc(), col(Sender.is_sandbox), func.lower(Sender.name), col(Sender.id))
    return list(session.exec(select(Sender).where(*_of(user_id)).order_by(*order)).all())


def default(session: Session, user_id: int) -> Sender | None:
    """The sender that new campaigns begin with."""
    return next(iter(list_all(session, user_id)), None)


def has_password(sender: Sender) -> bool:
    """Whether one is kept: all that a page may know of it."""
    return bool(sender.password_sealed)


def password(sender: Sender) -> str:
    """The password in clear, for signing in; "" where none is kept. Raises crypto.SealBroken for another SECRET_KEY."""
    return crypto.unseal(sender.password_sealed, f"sender:{sender.id}") if sender.password_sealed else ""


def may_use_kept_password(sender: Sender, values: Values) -> bool:
    """Whether ``values`` need no kept password, or mean the account it was given for: else whoever gets at a session
    could have it sent to a server of their own."""
    if values.password is not None or not has_password(sender):
        return True
    return is_at_provider(sender, values)


def is_at_provider(sender: Sender, values: Values) -> bool:
    """Whether to its provider ``values`` are this sender, by whatever port and password."""
    return (values.host.strip(), values.username.strip()) == (sender.host, sender.username)


def is_account(sender: Sender, values: Values) -> bool:
    """Whether ``values`` mean the account that is kept: what is known of one holds for the other."""
    typed = (values.host.strip(), values.port, values.security, values.username.strip())
    if typed != (sender.host, sender.port, sender.security, sender.username):
        return False
    try:
        return values.password is None or values.password == password(sender)
    except crypto.SealBroken:
        return False


def address(sender: Sender) -> tuple[str, int]:
    """Host and port to connect to. Raises RuleError for a sandbox sender in a process without an inbox."""
    if not sender.is_sandbox:
        return sender.host, sender.port
    if _sandbox_port is None:
        raise RuleError("The sandbox inbox is not running in this process.")
    return _THIS_MACHINE, _sandbox_port  # a sandbox never sends to the world, whatever the database says


def sandbox_listens(port: int | None) -> None:
    """The sandbox inbox of this process listens there; None: not any more."""
    global _sandbox_port
    _sandbox_port = port


def tracking_base(session: Session, sender: Sender) -> str:
    """Where readers' mail programs reach us: BASE_URL; for sandbox mails also the web's own address; else ""."""
    if config.settings.base_url or not sender.is_sandbox:
        return config.settings.base_url
    meta = session.get(Meta, WEB_KEY)
    return meta.value if meta is not None else ""


def add_sandbox(session: Session, user_id: int) -> Sender:
    """The sender that comes with every account: its mails go nowhere but to /sandbox."""
    user = session.get_one(User, user_id)
    sender = Sender(
        user_id=user_id,
        name="Sandbox",
        is_sandbox=True,
        is_default=default(session, user_id) is None,
        created_at=db.now(session),
        preset="sandbox",
        host="sandbox",
        security=Security.none,
        from_name=user.email.split("@")[0].replace(".", " ").title(),
        from_address=user.email,
        per_minute=None,
        delay_seconds=0.0,
        test_problem="",
    )
    session.add(sender)
    session.flush()
    sender.username = f"sandbox-{sender.id}"
    sender.password_sealed = crypto.seal(secrets.token_urlsafe(24), f"sender:{sender.id}")
    session.flush()
    return sender


def _checked(session: Session, user_id: int, values: Values, kept: Sender | None) -> dict[str, Any]:
    found = problems(values)
    if kept is not None and kept.is_sandbox:
        found = {name: sentence for name, sentence in found.items() if name not in _ACCOUNT}
    same = select(Sender.id).where(*_of(user_id), func.lower(Sender.name) == values.name.strip().lower())
    if kept is not None:
        same = same.where(col(Sender.id) != kept.id)
    if "name" not in found and session.exec(same.limit(1)).first() is not None:
        found["name"] = "You have a sender with this name already."
    if kept is not None and not kept.is_sandbox and not may_use_kept_password(kept, values):
        found["password"] = "Enter the password again: it was given for another host or username."
    if found:
        raise Invalid(found)
    checked = {name: value.strip() if isinstance(value, str) else value for name, value in asdict(values).items()}
    checked["sending_window"] = windows.to_json(windows.from_json(values.sending_window))
    checked["warmup"] = warmup.to_json(warmup.from_json(values.warmup))
    checked |= {name: _as_kept(checked[name]) for name in ("from_address", "reply_to")}
    del checked["password"]
    return checked


def _as_kept(email: str) -> str:
    local, at, domain = email.rpartition("@")
    return f"{local}{at}{addresses.ascii_domain(domain)}"


def called(sender: Sender) -> str:
    """``Mein Server (Hostinger)``: its name in sentences, with the provider where the name does not tell it."""
    provider = presets.provider(sender.preset, sender.host)
    return f"{sender.name} ({provider})" if provider.lower() not in sender.name.lower() else sender.name


def from_line(sender: Sender) -> str:
    """The sender as mail programs show it."""
    address = addresses.shown(sender.from_address)
    return f"{sender.from_name} <{address}>" if sender.from_name else address


def _next_slot(sender: Sender) -> timedelta:
    """Its pace per minute reserves no slot further ahead than that."""
    paces = [pace for pace in (sender.per_minute, sender.learned_per_minute) if pace]
    return min(_SLOWEST_PACE, (sender.connections + 1) * _SLOWEST_PACE / min(paces)) if paces else timedelta()


def _of(user_id: int) -> tuple[Any, Any]:
    return col(Sender.user_id) == user_id, col(Sender.deleted_at).is_(None)


def _keep_a_default(session: Session, user_id: int) -> Sender | None:
    """A new one where there is none any more."""
    first = default(session, user_id)
    if first is None or first.is_default or first.id is None:
        return None
    make_default(session, user_id, sender_id := first.id)
    return get(session, user_id, sender_id)


def _one(session: Session, statement: Any) -> None:
    if not session.connection().execute(statement).rowcount:
        raise NotFound.of("sender")


def _changed(session: Session, user_id: int, sender_id: int | None) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "sender", sender_id))
    db.after_commit(session, live.wake)
