"""Saving what the form of a sender says, and what to say of it."""

from dataclasses import dataclass, field

from core import db, stats
from core.delivery import bounce_mailbox, senders, standing
from core.delivery.sender_values import Invalid, Values, problems
from core.models import Sender
from core.stats import Stopped


@dataclass(frozen=True)
class Saved:
    """``link``: where what is to do next is done."""

    words: str = "Saved."
    link: dict[str, str] = field(default_factory=dict)

    @property
    def is_all(self) -> bool:
        return self.words == "Saved."


def save(
    user_id: int, sender_id: int | None, values: Values, mailbox: bounce_mailbox.Values | None, found: str | None
) -> Saved:
    """Sender and mailbox, or neither; returns what to say. ``found``: by a test of just these values, if any."""
    if mailbox is not None and (wrong := problems(values) | bounce_mailbox.problems(mailbox)):
        raise Invalid(wrong)
    with db.session() as session:
        if sender_id is None:
            sender_id = senders.create(session, user_id, values).id
            assert sender_id is not None
            done = Saved(_say_default(senders.default(session, user_id), sender_id))
        else:
            senders.save(session, user_id, sender_id, values)
            done = _say_paused(stats.to_resume(session, user_id, sender_id))
        if mailbox is not None:
            bounce_mailbox.save(session, user_id, sender_id, mailbox, new_secret=bool(values.password))
        else:
            bounce_mailbox.remove(session, user_id, sender_id)
        if found is not None:
            standing.tested(session, senders.get(session, user_id, sender_id), found)
        return done


def _say_paused(campaigns: list[Stopped]) -> Saved:
    if not campaigns:
        return Saved()
    if len(campaigns) == 1:
        return Saved(f"Saved. {campaigns[0].title} is paused: resume it.", {"href": f"/campaigns/{campaigns[0].id}"})
    words = f"Saved. {len(campaigns):,} campaigns are paused: resume those that shall go on."
    return Saved(words, {"href": "/campaigns?status=paused"})


def _say_default(default: Sender | None, sender_id: int) -> str:
    if default is None or default.id == sender_id:
        return "Saved. It is your default: new campaigns begin with it."
    return f"Saved. New campaigns still begin with {default.name}; “Make default” changes that."
