"""The three kinds of body: what each is mailed as, and how one becomes another."""

from core.content import frame, html, languages, markdown, merge, plain
from core.models import BodyKind

NAMES = {BodyKind.rich: "Rich text", BodyKind.markdown: "Markdown", BodyKind.html: "HTML"}


def whole(body: str, kind: str, language: str = languages.ENGLISH) -> str:
    """The HTML that is mailed: an HTML body byte for byte, the other kinds in the frame, with
    a footer that unsubscribes unless the body has such a link."""
    if kind == BodyKind.html:
        return body
    return frame.around(words(body, kind) if kind == BodyKind.markdown else html.for_editor(body), language)


def words(body: str, kind: str) -> str:
    """The HTML of what is written, without the frame."""
    return markdown.to_html(body) if kind == BodyKind.markdown else body


def read_words(body: str, kind: str) -> list[str]:
    """The words a reader reads of ``body``, in their order; a merge field is one of them."""
    parts = merge.parse(plain.read_text(words(body, kind)))
    text = "".join(part if isinstance(part, str) else f"{{{{{part.name}}}}}" for part in parts)
    return [word for word in text.split() if any(letter.isalnum() for letter in word)]


def turned(body: str, kind: str, into: str, language: str = languages.ENGLISH) -> str:
    """``body`` as a body of the kind ``into``; ``losses.of`` tells what that takes out. HTML is in ``language``."""
    if not body.strip() or kind == into:
        return body if kind == into else ""
    if into == BodyKind.html:
        return whole(body, kind, language)
    ours = frame.inside(body) if kind == BodyKind.html else None
    if ours is not None and (into == BodyKind.markdown or html.survives_editor(ours)):
        return markdown.from_html(ours) if into == BodyKind.markdown else ours
    if kind == BodyKind.html:
        shown = body if html.survives_editor(body) else html.unpacked(body)
    else:
        shown = html.for_editor(words(body, kind))
    return markdown.from_html(shown) if into == BodyKind.markdown else html.for_editor(shown)
