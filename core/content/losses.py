"""What a body loses where it becomes one of another kind, in words."""

from dataclasses import dataclass

from core.content import bodies, frame, html, places, plain
from core.models import BodyKind

# How different editors write the same.
_SAME = {"div": "p", "b": "strong", "i": "em", "strike": "s", "del": "s"}
# In the words of who reads the question.
_WORDS = {
    "the layout: columns, boxes and tables": {"table", "tr", "td", "th", "cellpadding", "colspan", "rowspan"},
    "colours and backgrounds": {"color", "background", "background-color", "background-image", "bgcolor", "fillcolor"},
    "alignment": {"text-align", "align", "valign", "vertical-align"},
    "fonts and sizes of letters": {"font", "font-family", "font-size", "line-height", "letter-spacing", "face"},
    "underlining": {"u"},
    "raised and lowered letters": {"sup", "sub"},
    "spaces, lines and round corners": {"padding", "margin", "border", "border-radius", "border-top", "border-bottom"},
    "sizes of images": {"height", "max-width"},
    "pictures": {"img", "svg"},
    "films and sounds": {"video", "audio"},
    "forms": {"form", "input", "button", "select", "textarea"},
}
_UNSEEN = {"style", "html", "head", "body", "meta", "title", "lang", "charset", "content", "name", "role", "class"}
_NO_LOSS = {"br", "thead", "tbody", "span", "p"}


def of(source: str, kind: str, into: str) -> list[str]:
    """What turning ``source`` into the kind ``into`` takes out of it; empty when nothing is lost."""
    if into == BodyKind.html or not source.strip():
        return []
    if kind == BodyKind.html and html.survives_editor(source) and into == BodyKind.rich:
        return []
    ours = frame.inside(source) if kind == BodyKind.html else None
    if ours is not None and into == BodyKind.rich and html.survives_editor(ours):
        return []
    shown = ours if ours is not None else bodies.words(source, kind)
    became = bodies.words(bodies.turned(source, kind, into), into)
    found = _differences(shown, became)
    if not found and kind == BodyKind.html and into == BodyKind.rich:
        return ["details of how it is written"]
    if not found and _letters(shown) != _letters(became):
        return ["some of its words"]
    return found


def _differences(source: str, became: str) -> list[str]:
    had, kept = _count(source), _count(became)
    gone = (had.tags - kept.tags - _NO_LOSS) | (had.attributes - kept.attributes)
    gone |= {"table"} if had.tables > kept.tables else set()
    found = ["what it does on phones and in the dark"] if "style" in had.tags else []
    if had.conditionals:
        found.append("what was made for Outlook")
    if had.comments:
        found.append("notes hidden in it")
    found += [words for words, names in _WORDS.items() if names & gone]
    known = set().union(*_WORDS.values()) | _UNSEEN
    if not found and gone - known:
        found.append("details of how it is written")
    return found


@dataclass
class _Count:
    tags: set[str]
    attributes: set[str]
    conditionals: int
    comments: int
    tables: int = 0


def _styles(value: str) -> list[str]:
    """``text-align`` and the like: the names of what a style says."""
    return [name for part in value.split(";") if (name := part.partition(":")[0].strip().lower())]


def _count(source: str) -> _Count:
    comments = places.comments(source)
    conditionals = sum(each.lstrip().lower().startswith(("[if", "<![endif")) for each in comments)
    count = _Count(set(), set(), conditionals, len(comments) - conditionals)
    for tag, attributes in html.tags(source):
        count.tags.add(_SAME.get(tag, tag))
        count.tables += tag == "table"
        for name, value in attributes:
            count.attributes.update(_styles(value) if name == "style" else [name])
    return count


def _letters(source: str) -> str:
    return "".join(char for char in plain.text(source) if char.isalnum())
