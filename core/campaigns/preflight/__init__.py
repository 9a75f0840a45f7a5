"""Preflight: a mail looked at before it goes. Content here is pure; people, DNS and the web have modules of their own.

``content`` takes milliseconds; ``people`` walks through the whole audience; ``domain`` asks DNS; ``reach`` the web.
"""

from collections.abc import Sequence

from core.campaigns.findings import Finding, warning
from core.campaigns.preflight import brought, files, images, language, links, size, words
from core.content import bodies, foreign, html, mail, merge
from core.content.links import has_way_out

__all__ = ["content"]

_AS_WORDS = (
    "unsubscribe_url stands in the body as words: readers get a long address that not every mail program makes a link. "
    "Take it out and put in “Unsubscribe link” (under Merge field) instead."
)


def content(made: mail.Content, names: Sequence[str] = ()) -> list[Finding]:
    """All that is said of a mail's content by itself, in the order of its parts. Pure.

    ``names``: the merge fields of its audience.
    """
    found = [*brought.findings(made, names), *words.subject(foreign.without(made.subject))]
    found += words.preheader(made.preheader)
    if not made.body.strip():
        return found
    body = bodies.words(made.body, made.body_kind)
    found += [*_braces(made), *links.findings(body), *images.findings(body)]
    found += [
        *_text(body),
        *words.body(body),
        *language.findings(made, body),
        *files.findings(made, body),
        *_way_out(foreign.translated(made, names)),
        *size.findings(mail.whole_html(made)),
    ]
    return found


def _braces(made: mail.Content) -> list[Finding]:
    found = []
    for place, text in (("subject", made.subject), ("preheader", made.preheader), ("body", made.body)):
        for wrong in merge.malformed(foreign.without(text))[:5]:
            words = f"{wrong} is not a merge field: recipients will read it as it stands."
            found.append(warning(words, place=place, mark=wrong))
    return found


def _text(body: str) -> list[Finding]:
    if html.to_text(body).strip():
        return []
    return [warning("The mail has no words, so its plain-text part is empty. Write some, or give images a text.")]


def _way_out(made: mail.Content) -> list[Finding]:
    """RFC 8058 and Gmail's rules for bulk senders ask for a header, which every mail has; readers look in the body."""
    if has_way_out(mail.whole_html(made)):
        return []
    if "unsubscribe_url" in merge.fields_used(made.body):
        return [warning(_AS_WORDS, mark="unsubscribe_url")]
    return [warning("The body has no unsubscribe link. Put one in (under Merge field), else readers report spam.")]
