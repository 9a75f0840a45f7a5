"""What couriers tell of their mails and connections, and what follows (DESIGN 6)."""

import logging
from collections import Counter
from typing import Protocol

from sqlmodel import Session, col, select

from core import campaigns
from core.delivery import consequence, standing
from core.delivery.ledger import REPLY_CHARS, Claimed, Outcome
from core.delivery.replies import CONNECTION, UNREACHED, Verdict, classify
from core.delivery.smtp import Reply
from core.models import Campaign, CampaignStatus, MessageState, PauseReason, Sender
from jobs.writer import Writer

log = logging.getLogger(__name__)

_CONNECTION = Verdict("temporary", None, CONNECTION, "")
_UNREACHED = Verdict("temporary", None, UNREACHED, "")
_DROPS = 3  # connections lost in a row, no mail accepted between them: then the sender waits


class Reporting(Protocol):
    """What a report may do to its lane."""

    def end(self, why: str, come_back: float | None = None) -> bool: ...
    def requeue(self, message: Claimed) -> None: ...
    def returned(self) -> None: ...
    def fewer(self, verdict: Verdict) -> bool: ...
    def accepted(self) -> None: ...
    def throttled(self, verdict: Verdict) -> None: ...
    def trusted(self) -> None: ...
    def blamed(self) -> None: ...


class Report:
    """Of one lane. Everything is settled through the writer; nothing waits."""

    def __init__(self, lane: Reporting, sender: Sender, epoch: int, writer: Writer) -> None:
        self._lane = lane
        self._sender_id, self._epoch = sender.id or 0, epoch
        self._cooldown_step = sender.cooldown_step
        self._writer = writer
        self.account = standing.account(sender)  # all connections of the lane are opened with it
        self.is_proven = True  # that it works is known
        self._drops = 0
        self._lost: Counter[int] = Counter()  # message id -> connections that ended with it under way
        self._alike: dict[int, Counter[str]] = {}  # campaign id -> rule id -> refusals of its content in a row

    def accepted(self, message: Claimed, reply: Reply) -> None:
        """The server has it."""
        self._writer.settle(Outcome(message, MessageState.sent, "dot", reply.code, reply.text[:REPLY_CHARS]))
        self._drops = 0
        if self._alike:
            self._alike.pop(message.campaign_id, None)
        self._lane.accepted()
        if not self.is_proven:
            self.is_proven = True
            self._writer.call(lambda session: standing.proven(session, self._sender_id, self._epoch, self.account))
        if self._cooldown_step:
            self._cooldown_step = 0
            self._lane.trusted()
            self._writer.call(lambda session: standing.recovered(session, self._sender_id, self._epoch))

    def refused(self, message: Claimed, phase: str, reply: Reply) -> None:
        """The server said no to this mail."""
        text = reply.text[:REPLY_CHARS]
        verdict = classify(phase, reply.code, "", text)
        follows = consequence.of_refusal(verdict, message.attempts)
        words = (phase, reply.code, text, verdict.kind, verdict.rule_id)
        if reply.code == 421 and not follows.cools and not follows.blocks:
            # It speaks of the connection; the mail is not to blame (RFC 5321 section 3.8).
            if self._lost_before(message):
                self._later(message, phase, reply.code, text)
            else:
                self._writer.settle(Outcome(message, MessageState.pending, *words, counts=False))
                self._lane.returned()  # to this lane, which remembers
            self.dropped(f"{reply.code} {text}")
            return
        if reply.code == 503 and not self._lost_before(message):
            # A transaction that we thought was over: after the RSET that follows, the mail has its turn again.
            self._writer.settle(Outcome(message, MessageState.pending, *words, counts=False))
            self._lane.returned()
            return
        alike = self._refused_alike(message.campaign_id, verdict.rule_id) if follows.blames_content else 0
        outcome = Outcome(message, follows.state, *words, follows.retry_after, follows.counts, follows.bounced, alike)
        self._writer.settle(outcome)
        if alike:
            self._lane.blamed()
        if verdict.kind == "protocol":
            log.error("message %s: the server does not understand us: %s %s", message.id, reply.code, text)
        if follows.blocks:
            self._block(verdict, f"{reply.code} {text}")
        elif follows.cools:
            self._cool(verdict, f"{reply.code} {text}")

    def failed(self, message: Claimed, why: str) -> None:
        """This mail cannot be made or addressed; nothing of it was sent."""
        words = ("render", None, why[:REPLY_CHARS], "permanent", "bad_mail")
        self._writer.settle(Outcome(message, MessageState.failed, *words))

    def undecided(self, message: Claimed, why: str) -> None:
        """The connection ended after the dot: nobody knows."""
        self._writer.settle(Outcome(message, MessageState.unknown, "dot", None, why[:REPLY_CHARS], "unknown"))
        self.dropped(why)

    def unsent(self, message: Claimed, why: str) -> None:
        """The connection ended before the dot: surely not sent. Once is no attempt; again it may be due to the mail."""
        if self._lost_before(message):
            self._later(message, "data", None, why[:REPLY_CHARS])
        else:
            self.back(message)
        self.dropped(why)

    def back(self, message: Claimed) -> None:
        """The mail waits again."""
        if message.marked:
            self._writer.settle(Outcome(message, MessageState.pending, counts=False))
            self._lane.returned()
        else:
            self._lane.requeue(message)

    def dropped(self, why: str) -> None:
        """A connection ended that was signed in. Once is nothing; again and again is a reason to wait."""
        self._drops += 1
        if self._drops >= _DROPS:
            self._cool(_CONNECTION, why)

    def connected(self, was_unreached: bool) -> None:
        """A connection stands, the first one of the lane."""
        if was_unreached:
            self._writer.call(lambda session: standing.reached(session, self._sender_id, self._epoch))

    def refused_connection(self, phase: str, reply: Reply) -> None:
        """The server said no before any mail: all of this sender wait."""
        text = reply.text[:REPLY_CHARS]
        verdict = classify(phase, reply.code, "", text)
        if consequence.of_refusal(verdict, 0).blocks:
            self._block(verdict, f"{reply.code} {text}")
        elif not self._lane.fewer(verdict):
            self._cool(verdict, f"{reply.code} {text}")

    def no_connection(self, why: str, reached: bool) -> None:
        """None came about, or (``reached``) it ended before the sign-in: all mails of this sender wait."""
        verdict = _CONNECTION if reached else _UNREACHED
        if not self._lane.fewer(verdict):
            self._cool(verdict, why[:REPLY_CHARS])

    def _refused_alike(self, campaign_id: int, rule_id: str) -> int:
        refused = self._alike.setdefault(campaign_id, Counter())
        refused[rule_id] += 1
        return refused[rule_id]

    def _lost_before(self, message: Claimed) -> bool:
        self._lost[message.id] += 1
        return self._lost[message.id] > 1

    def _later(self, message: Claimed, phase: str, code: int | None, why: str) -> None:
        """As a mail that is refused for now, so that it neither holds up the others nor is tried for ever."""
        follows = consequence.of_refusal(_CONNECTION, message.attempts)
        words = (phase, code, why, _CONNECTION.kind, _CONNECTION.rule_id)
        self._writer.settle(Outcome(message, follows.state, *words, follows.retry_after))

    def _cool(self, verdict: Verdict, reply: str) -> None:
        seconds = consequence.cooldown(verdict, self._cooldown_step)
        if self._lane.end("cooling", seconds):
            if self._cooldown_step == 0 and verdict.kind in consequence.THROTTLES:
                self._lane.throttled(verdict)
            words = (verdict.kind, verdict.rule_id, reply)
            self._writer.call(lambda session: standing.cool(session, self._sender_id, self._epoch, seconds, *words))
            log.info("sender %s waits %.0f s: %s (%s)", self._sender_id, seconds, verdict.kind, verdict.rule_id)

    def _block(self, verdict: Verdict, reply: str) -> None:
        if self._lane.end("blocked"):
            reason = PauseReason.auth if verdict.kind == "auth" else PauseReason.sender
            words = (verdict.kind, verdict.rule_id, reply)
            self._writer.call(lambda session: _block(session, self._sender_id, self._epoch, words, reason))
            log.info("sender %s is blocked: %s (%s)", self._sender_id, verdict.kind, verdict.rule_id)


def _block(session: Session, sender_id: int, epoch: int, words: tuple[str, str, str], reason: PauseReason) -> None:
    if not standing.block(session, sender_id, epoch, *words):
        return
    sending = select(Campaign.id).where(
        col(Campaign.sender_id) == sender_id, col(Campaign.status) == CampaignStatus.sending
    )
    for campaign_id in session.exec(sending).all():
        assert campaign_id is not None
        campaigns.pause_for(session, campaign_id, reason, words[2])
