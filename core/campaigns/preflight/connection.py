"""Whether the mail server of a sender takes its mails: what tests, mails that it accepted and its own words tell."""

from datetime import datetime

from core import clock
from core.campaigns.findings import Finding, serious, warning
from core.delivery import replies, senders, standing
from core.models import Sender, SenderState

_REFUSED = {"auth": "its sign-in", "sender_not_allowed": "its From address"}  # what blocks a sender


def findings(sender: Sender, now: datetime, zone: str) -> list[Finding]:
    """What to say before it is relied on; empty where a test passed or a mail was accepted. Pure.

    ``now``: the database's time; ``zone``: of the user. What blocks sending is said by ``checks``.
    """
    place, name, until = f"sender:{sender.id}", sender.name, sender.cooling_until
    if sender.is_sandbox or sender.state == SenderState.blocked:
        return []
    if standing.is_unreached(sender, now):
        said = sender.state_reply or why(sender)
        return [serious(f"{name} does not reach its server: {said} Sent now, the mails wait.", "senders", place)]
    if sender.test_problem:
        words = f"The last test of {name} failed: {sender.test_problem} Sent now, the mails wait until this is mended."
        return [serious(words, "senders", place)]
    if sender.state == SenderState.cooling and until is not None and until > now:
        words = f"{name} waits until {clock.say(until, zone)}: {why(sender)} The mails go out after that."
        return [warning(words, "senders", place)]
    if sender.test_problem is None:
        first = "test it first" if sender.username else "send a test mail first"
        refused = _REFUSED.get(sender.state_kind)
        so_far = f"not tested since {refused} was refused" if refused else "never tested with this account"
        words = f"{name} was {so_far}: {first}. If its server refuses it, the mails wait."
        return [warning(words, "senders", place)]
    return []


def why(sender: Sender) -> str:
    """What its server's last words mean."""
    return replies.explain(sender.state_rule, sender.state_kind, senders.called(sender))
