"""What a mail brought with it from another program: merge tags that its readers would see as they stand."""

from collections.abc import Sequence
from itertools import groupby

from core.campaigns.findings import Finding, Level
from core.campaigns.preflight.tags import short
from core.content import foreign, mail
from core.content.foreign import Tag

_MOST = 12  # tags named in a sentence


def findings(made: mail.Content, names: Sequence[str]) -> list[Finding]:
    """Those that are something here, by program, then those that are not, by what to do instead."""
    places: dict[Tag, str] = {}
    texts = (("subject", made.subject, ""), ("preheader", made.preheader, ""), ("body", made.body, made.body_kind))
    for place, text, kind in texts:
        for tag in foreign.find(text, kind, names):
            places.setdefault(tag, place)
    alike = sorted(places, key=_kind)
    return [_finding(tags, places[tags[0]]) for tags in (list(group) for _, group in groupby(alike, _kind))]


def _kind(tag: Tag) -> tuple[bool, str, str]:
    return not tag.ours, tag.program, tag.advice


def _finding(tags: list[Tag], place: str) -> Finding:
    first, is_one = tags[0], len(tags) == 1
    are, it, is_here = ("is a merge tag", "it", "it is") if is_one else ("are merge tags", "them", "they are")
    words = f"{_listed([short(tag.written) for tag in tags])} {are} of {first.program}"
    words += (
        f"; here {is_here} {_listed([tag.ours for tag in tags])}." if first.ours else f". {first.advice.format(it=it)}"
    )
    return Finding(Level.error, words, "content", place, mark=first.written, is_foreign=bool(first.ours))


def _listed(words: list[str]) -> str:
    shown, more = words[:_MOST], len(words) - _MOST
    shown += [f"{more:,} more"] if more > 0 else []
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
