"""What became of an upload."""

from dataclasses import dataclass

from campaign_ui.parts.upload_outcome import people
from core.audience.contacts import Stored
from core.audience.suppression import Many


@dataclass(frozen=True)
class Done:
    """What was stored: ``stored`` of who was added, ``suppressed`` of who left elsewhere; None where nobody was."""

    stored: Stored | None
    suppressed: Many | None


def say_done(done: Done, valid_count: int, keep_known: bool) -> str:
    """What became of them: who of ``valid_count`` came into the list or was in it, whose fields changed, who was
    suppressed."""
    words = [_say_stored(done.stored, valid_count - done.stored.added_count, keep_known)] if done.stored else []
    return " ".join([*words, *(_say_suppressed(done.suppressed) if done.suppressed else [])])


def _say_suppressed(many: Many) -> list[str]:
    new, held = many.added_count, many.known_count
    words = [f"{new:,} {'person' if new == 1 else 'people'} suppressed."] if new else []
    return [*words, *([f"{held:,} {'was' if held == 1 else 'were'} suppressed already."] if held else [])]


def _say_stored(stored: Stored, in_list: int, keep_known: bool) -> str:
    words = [f"{people(stored.added_count)} added to the list “{stored.list_name}”."]
    if in_list:
        words.append(f"{in_list:,} {'was' if in_list == 1 else 'were'} in it already.")
    if stored.known_count and keep_known:
        words.append(f"{people(stored.known_count)} you had stayed as they were.")
    elif stored.known_count and not stored.updated_count:
        words.append(f"{people(stored.known_count)} you had already, with the same values.")
    elif stored.known_count:
        words.append(f"Of {people(stored.known_count)} you had, {stored.updated_count:,} got new values.")
    return " ".join(words)
