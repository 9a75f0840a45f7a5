"""When the next mail of a campaign goes, and why it waits: a sentence with times in the user's zone, and until when."""

import textwrap
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core import clock, db
from core.audience import addresses
from core.campaigns import refusing
from core.delivery import lease, replies, senders, standing, usage, warmup, windows, workers
from core.models import CampaignStatus, Message, MessageState, PauseReason, Sender, SenderState
from core.stats.counts import Summary, summary

_SOON = timedelta(seconds=2)
_MINUTE = timedelta(seconds=63)  # with what a pace keeps to be safe
_SAID_CHARS = 120  # of a server's words inside a sentence

_PAUSED = {
    PauseReason.user: "Paused by you. Resume sends the rest.",
    PauseReason.auth: "Paused because {sender} refused the sign-in. Correct the sender, then resume.",
    PauseReason.sender: "Paused because {sender} does not allow the From address. Correct the sender, then resume.",
    PauseReason.content: "Paused because three mails were refused for the same reason{where}. Read it, then resume.",
    PauseReason.throttled: "Paused because {sender} held mail back for five days. Resume tries again.",
    PauseReason.missed: "Paused because it was due while the program was not running. Resume sends it now.",
}
# Of a sender that is blocked no more.
_MENDED = {
    PauseReason.auth: "Paused when {sender} refused the sign-in; the sender was changed since. Resume it.",
    PauseReason.sender: "Paused when {sender} did not allow the From address; it was changed since. Resume it.",
}


@dataclass(frozen=True)
class Wait:
    """``lead`` ends with the time it goes on, if that is known (``until``); a countdown may stand before ``rest``.

    ``tone``: sent (all is well), pending (waits), failed (needs the user), quiet (nothing to do).
    ``reply``: the server's own words where they are the reason and not in the sentence. ``why``: what they mean.
    ``try_sender``: the sender that can be tried now instead (``standing.try_now``); ``try_mails``: the mails that were
    put off can (``campaigns.try_again_now``).
    ``at_sender``: what holds it up is told there. ``short``: instead of a long ``lead``, where there is little room.
    ``refuse``: domains that others could go on without. ``left_out``: which they go on without, as a sentence.
    """

    lead: str
    tone: str = "quiet"
    reply: str = ""
    until: datetime | None = None
    rest: str = ""
    why: str = ""
    try_sender: int | None = None
    at_sender: bool = False
    try_mails: bool = False
    short: str = ""
    refuse: tuple[str, ...] = ()
    left_out: str = ""

    @property
    def sentence(self) -> str:
        """Without a countdown."""
        return self.lead + self.rest


def waiting(session: Session, user_id: int, campaign_id: int, zone: str) -> Wait:
    """What happens next with a campaign and why not sooner. Raises NotFound."""
    campaign = summary(session, user_id, campaign_id)
    wait = _of(session, user_id, campaign, zone)
    return replace(wait, left_out=_left_out(session, user_id, campaign)) if campaign.counts.failed else wait


def _of(session: Session, user_id: int, campaign: Summary, zone: str) -> Wait:
    if campaign.status == CampaignStatus.sending:
        return _of_sending(session, user_id, campaign, zone)
    if campaign.status == CampaignStatus.scheduled:
        return _of_scheduled(session, campaign, zone)
    if campaign.status == CampaignStatus.paused:
        return _of_paused(session, user_id, campaign)
    if campaign.status == CampaignStatus.draft:
        return Wait("A draft. Nothing is sent before you schedule it.")
    if campaign.status == CampaignStatus.cancelled:
        return Wait(f"Cancelled {clock.show(campaign.finished_at, zone)}." if campaign.finished_at else "Cancelled.")
    return _finished(campaign, zone)


def _left_out(session: Session, user_id: int, campaign: Summary) -> str:
    """Which domains it goes on without, and what that means; empty: none."""
    domains, count = refusing.left_out_of(session, user_id, campaign.id)
    if not count:
        return ""
    be, whose = ("is", "its server") if len(domains) == 1 else ("are", "their servers")
    mails = "1 mail was" if count == 1 else f"{count:,} mails were"
    why = f"as {whose} refused this campaign again and again"
    return f"{addresses.shown_domains(domains)} {be} left out, {why}: {mails} not sent."


def _of_paused(session: Session, user_id: int, campaign: Summary) -> Wait:
    sender = _sender(session, user_id, campaign.sender_id)
    reason, name = PauseReason(campaign.pause_reason or PauseReason.user), _name(sender)
    if campaign.is_mended:
        return Wait(_MENDED[reason].format(sender=name), "pending")
    tone = "failed" if campaign.is_stopped else "pending"
    domains = refusing.blamed(session, user_id, campaign.id) if reason == PauseReason.content else []
    where = f", {'all ' * (len(domains) == 1)}by {addresses.shown_domains(domains)}" if domains else ""
    lead = _PAUSED[reason].format(sender=name, where=where)
    return Wait(lead, tone, campaign.pause_detail, at_sender=reason in _MENDED, refuse=tuple(domains))


def _finished(campaign: Summary, zone: str) -> Wait:
    counts, at = campaign.counts, f" {clock.show(campaign.finished_at, zone)}" if campaign.finished_at else ""
    words = [f"Finished{at}."]
    if counts.failed:
        words.append(f"{counts.failed:,} {'mail' if counts.failed == 1 else 'mails'} failed.")
    if not counts.sent and not counts.unknown:
        words.append("Nobody got it.")
    return Wait(" ".join(words), "sent" if counts.sent else "failed" if counts.failed else "quiet")


def _of_scheduled(session: Session, campaign: Summary, zone: str) -> Wait:
    if campaign.scheduled_at is None or campaign.scheduled_at <= db.now(session):
        return _nobody(session) or Wait("It is due and starts any moment.", "pending")
    chosen, own = (clock.say(campaign.scheduled_at, each) for each in (campaign.time_zone, zone))
    rest = "." if chosen == own else f". For you: {own}."
    return Wait(f"Starts {chosen}", "pending", until=campaign.scheduled_at, rest=rest)


def _of_sending(session: Session, user_id: int, campaign: Summary, zone: str) -> Wait:
    counts, now = campaign.counts, db.now(session)
    sender = _sender(session, user_id, campaign.sender_id)
    if sender is None or sender.deleted_at is not None:
        return Wait("Its sender was deleted. Cancel the campaign, or send a copy with another sender.", "failed")
    if not campaign.snapshot_done and counts.recipients == 0:
        return _nobody(session) or Wait("Preparing the recipients.", "pending")
    if sender.state == SenderState.blocked:
        explanation = replies.explain(sender.state_rule, sender.state_kind, senders.called(sender))
        return Wait(f"{sender.name} is blocked. {explanation}", "failed", sender.state_reply, at_sender=True)
    hours = _hours(campaign, sender, now, zone) if counts.pending else None
    if _cools(sender, hours, now):
        assert sender.cooling_until is not None
        mine = sender.id if hours is None and standing.may_try(sender, now) else None
        return replace(_cooling(sender, sender.cooling_until, counts.pending, zone, mine), at_sender=True)
    if hours is not None:
        return hours
    if counts.pending and lease.is_silent(sender, now):
        lead = (
            "The part of the program that sends does not answer; sending goes on by itself as soon as another is free."
        )
        short = "No answer from its worker; it goes on by itself."
        return _nobody(session) or Wait(lead, "pending", rest=f" {counts.pending:,} waiting.", short=short)
    if counts.pending and lease.has_guest(sender, now):
        words = f"A test goes through {sender.name} first; sending goes on right after it."
        return _nobody(session) or Wait(words, "pending", rest=f" {counts.pending:,} waiting.")
    if counts.pending and sender.owner and standing.is_unreached(sender, now):
        why = replies.explain(sender.state_rule, sender.state_kind, senders.called(sender))
        words = f"{why} {sender.state_reply} It is tried now; {counts.pending:,} waiting."
        return Wait(words, "pending", at_sender=True)
    if counts.waiting == 0:
        if counts.pending:
            last = (
                "The last mail is on its way."
                if counts.pending == 1
                else f"The last {counts.pending:,} are on their way."
            )
            return Wait(last, "sent")
        return Wait("Everything has been sent.", "sent")
    return _of_due(session, campaign, sender, now, zone)


def _nobody(session: Session) -> Wait | None:
    """Where no worker runs, who could go on? Only whoever runs the program can tell."""
    if not workers.is_missing(session):
        return None
    return Wait("No worker is running, so nothing is sent. It goes on once one is started (make worker).", "failed")


def _cools(sender: Sender, hours: Wait | None, now: datetime) -> bool:
    """Whether its server's words hold it up longest: not its hours, nor a limit that is full."""
    until, others = sender.cooling_until, [now]
    others += [hours.until] if hours is not None and hours.until is not None else []
    if sender.next_start_at is not None and sender.next_start_at > now + standing.PACED:
        others.append(sender.next_start_at)
    return until is not None and until > now and until >= max(others)


def _hours(campaign: Summary, sender: Sender, now: datetime, zone: str) -> Wait | None:
    """The window of the sender or of the campaign is closed, or the campaign sent today what its warm-up allows."""
    opening = now
    for stored in (sender.sending_window, campaign.sending_window):
        window = windows.from_json(stored)
        if window is not None and (opening := windows.starts_at(window, now)) > now:
            return _next(f"Sends {windows.say(window, opening)}.", opening, campaign, zone)
    ramp = warmup.from_json(campaign.warmup)
    if campaign.hold_until is not None and campaign.hold_until > now and ramp and warmup.day_of(ramp, now):
        return _next(warmup.say(ramp, now), campaign.hold_until, campaign, zone)
    return None


def _next(why: str, until: datetime, campaign: Summary, zone: str) -> Wait:
    count = campaign.counts.pending
    return Wait(f"{why} Next mail {clock.say(until, zone)}", "pending", until=until, rest=f"; {count:,} waiting.")


def _cooling(sender: Sender, until: datetime, count: int, zone: str, mine: int | None) -> Wait:
    """``Hostinger answered 451 4.7.1 Ratelimit: resuming at 09:27:30 IST, 1,240 waiting.``"""
    why = f"{replies.explain(sender.state_rule, sender.state_kind, senders.called(sender))}{_then(sender)}"
    rest = f", {count:,} waiting."
    said = " ".join(sender.state_reply.split())
    if not said:
        return Wait(
            f"{why} Resuming at {clock.of_day(until, zone)}", "pending", until=until, rest=rest, try_sender=mine
        )
    if sender.state_rule == replies.UNREACHED:  # these words are ours
        lead = f"{why} {said.rstrip('.')}. Next try at {clock.of_day(until, zone)}"
        return Wait(lead, "pending", until=until, rest=rest, try_sender=mine)
    short = textwrap.shorten(said, _SAID_CHARS, placeholder="…")
    whole = sender.state_reply if short != said else ""
    if sender.state_rule == replies.CONNECTION:  # these may be
        lead = f"{why} {short.rstrip('.')}. Next try at {clock.of_day(until, zone)}"
        return Wait(lead, "pending", whole, until, rest, try_sender=mine)
    lead = f"{sender.name} answered {short.rstrip(':')}: resuming at {clock.of_day(until, zone)}"
    return Wait(lead, "pending", whole, until, rest, why, mine)


def _of_due(session: Session, campaign: Summary, sender: Sender, now: datetime, zone: str) -> Wait:
    count, waiting = campaign.counts.pending, campaign.counts.waiting
    is_owned = sender.lease_until is not None and sender.lease_until > now
    if not is_owned and (nobody := _nobody(session)) is not None:
        return nobody
    first = session.execute(
        select(col(Message.retry_at), col(Message.reply_code), col(Message.reply))
        .where(col(Message.campaign_id) == campaign.id, col(Message.state) == MessageState.pending)
        .order_by(col(Message.retry_at), col(Message.id))
        .limit(1)
    ).first()
    full_until = _full_until(sender, now)
    if first is not None and first.retry_at > now + _SOON:
        at = clock.of_day(first.retry_at, zone)
        if sender.domain_per_minute and not first.reply:
            limit = usage.at_most(sender, sender.domain_per_minute, "a minute to one domain")
            return Wait(f"{limit} Next mail at {at}", "pending", until=first.retry_at, rest=f"; {count:,} waiting.")
        if count > waiting:
            lead = f"The others are on their way; {waiting:,} of {count:,} wait to be tried again, the first at {at}"
        elif count == 1:
            lead = f"The last mail waits to be tried again at {at}"
        else:
            lead = f"All {count:,} that remain wait to be tried again, the first at {at}"
        may_try = bool(first.reply) and full_until is None
        said = replies.with_code(first.reply_code, first.reply) if first.reply else ""
        return Wait(lead, "pending", said, first.retry_at, ".", try_mails=may_try)
    if full_until is not None:
        why = usage.full(session, sender, now) or f"{_limit(sender)} What went out before counts."
        lead = f"{why} Next mail at {clock.of_day(full_until, zone)}"
        return Wait(lead, "pending", until=full_until, rest=f"; {count:,} waiting.")
    if not is_owned:
        return Wait(f"{count:,} waiting; sending starts as soon as a worker is free.", "pending")
    ramp = warmup.from_json(sender.warmup)
    more = f" {warmup.say(ramp, now)}" if ramp and warmup.day_of(ramp, now) else ""
    return Wait(f"Sending now. {_limit(sender)}{more} {count:,} waiting.", "sent")


def _full_until(sender: Sender, now: datetime) -> datetime | None:
    """Until when its limits let no mail start, as after one was lowered; None: no longer than between any two mails."""
    numbers = [pace for pace, _, _ in usage.paces(sender)]
    numbers += [sender.learned_per_minute] if sender.learned_per_minute else []
    until = max((at for at in (sender.next_start_at, sender.paced_until) if at is not None), default=now)
    return until if until > now + _SOON + _MINUTE / min(numbers, default=60) else None


def _then(sender: Sender) -> str:
    """What its server's throttle changed for the time after the wait; nothing where it changed nothing."""
    learned, connections = sender.learned_per_minute, sender.learned_connections
    if sender.state_kind == "throttle_rate" and learned is not None and learned < (sender.per_minute or float("inf")):
        return f" After that it sends at most {usage.in_words(learned)} mails a minute."
    if sender.state_kind == "throttle_connections" and connections is not None and connections < sender.connections:
        return f" After that it uses {'1 connection' if connections == 1 else f'{connections:,} connections'}."
    return ""


def _limit(sender: Sender) -> str:
    """What decides how fast it goes while no hour or day is full."""
    if (slowed := usage.slowed_by_delay(sender)) is not None:
        return f"{usage.at_most(sender, slowed[0], 'a minute')[:-1]}: {slowed[1]}."
    learned, paces = sender.learned_per_minute, usage.paces(sender)
    if learned is not None and all(learned < pace for pace, _, _ in paces):
        return f"Its provider slowed {sender.name} down to {usage.in_words(learned)} mails a minute."
    if paces:
        _, number, window = min(paces)
        return usage.at_most(sender, number, window)
    sums = [(number, window) for number, window in ((sender.per_hour, "an hour"), (sender.per_day, "a day")) if number]
    return usage.at_most(sender, *min(sums)) if sums else f"{sender.name} sends without a limit."


def _sender(session: Session, user_id: int, sender_id: int | None) -> Sender | None:
    statement: Any = select(Sender).where(col(Sender.id) == sender_id, col(Sender.user_id) == user_id)
    found: Sender | None = session.exec(statement).first()
    return found


def _name(sender: Sender | None) -> str:
    return sender.name if sender is not None else "the mail provider"
