"""Merge tags of other programs, which a mail brought from there would show as they stand, and what they are here."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.audience import columns
from core.content import languages, mail, merge
from core.models import BodyKind

_S = r"(?:[ \t\xa0]|&nbsp;|&\#160;)*+"
_PIPE = r"(?:\\?\||%7[Cc])"  # Markdown escapes it, an address may write it so
_REST = r"([^{}<>\n]{0,200}+)"
# Each with two groups: its name, and what stands behind. Possessive or bounded, so that no input takes more than
# linear time.
_WAYS = (
    (
        "Mailchimp",
        rf"\\?\*{_PIPE}{_S}([A-Za-z]\w{{1,60}}+(?::(?:(?!%7[Cc])[^|*<{{}}\n\\]){{0,100}}+)?+)(){_S}{_PIPE}\\?\*",
    ),
    ("listmonk", rf"\{{\{{{_S}((?:Unsubscribe|Message|Manage|Optin|Archive)URL|TrackView)(){_S}\.?{_S}\}}\}}"),
    ("listmonk", rf"\{{\{{{_S}(?:\.Subscriber(?:\.Attribs)?\.|\.(?=Campaign\.))([A-Za-z][\w.]{{0,60}}+){_REST}\}}\}}"),
    ("Brevo or HubSpot", rf"\{{\{{{_S}contact\.([A-Za-z]\w{{0,60}}+){_REST}\}}\}}"),
    ("Brevo or HubSpot", rf"\{{\{{{_S}(unsubscribe(?:_link(?:_all)?)?|mirror|update_profile)(){_S}\}}\}}"),
    ("Klaviyo", rf"\{{\{{{_S}person\.([A-Za-z][\w.]{{0,60}}+){_REST}\}}\}}"),
    ("Klaviyo or Brevo", rf"\{{%{_S}([a-z]\w{{0,60}}+)((?:(?!%\}})[^{{}}<>\n]){{0,200}}+)%\}}"),
    ("MailerLite", r"\{\$([A-Za-z_]\w{0,60}+)()\}"),
    ("Salesforce", r"%%([A-Za-z]\w{0,40}+)()%%"),
    ("Campaign Monitor", r"\[([A-Za-z]\w{0,60}+),[ ]?fallback=([^][{}<>\n]{0,100}+)\]"),
)
# Nobody reads a comment, but for Outlook's; what is quoted of a program is meant as it stands.
_UNREAD = r"<!--(?!\[if)(?:(?!-->).)*+(?:-->)?|<(?:code|pre)(?=[\s>])(?:(?!</(?:code|pre)).)*+"
_QUOTED = r"```(?:(?!```).)*+(?:```)?|`[^`\n]{1,500}+`"
_WAY_OUT, _VIEW = "unsubscribe_url", "view_url"
# Our name, and what else the same is called, as compared by ``columns.key``.
_SAME = {
    "first_name": "firstname fname first forename givenname vorname prenom voornaam nombre nome imie name",
    "last_name": "lastname lname last surname familyname nachname nom achternaam apellido apellidos cognome nazwisko",
    "phone": "phone phonenumber telephone tel mobile mobilenumber sms telefon telefonnummer telefono telefone handy",
    "email": "email emailaddr emailaddress",
    _WAY_OUT: "unsub unsubscribe unsubscribeurl unsubscribelink unsubscribelinkall unsubcenterurl",
    _VIEW: "archive mirror messageurl webversion webview viewinbrowser viewemail viewemailurl url",
}
_LOOK = 2_000  # characters around it that tell where a tag stands
_NOT_BEFORE = re.compile(
    rf"https?://(?=\{{\{{ (?:{_WAY_OUT}|{_VIEW}) \}}\}})"
)  # editors write it before what they do not know
# Of Markdown: the words of a link as far as they are open, how they end, and the same of its address.
_WORDS, _WORDS_END = re.compile(r"\[[^\]\n]*+\Z"), re.compile(r"[^\[\]\n]*+\][(\[:]")
_ADDRESS, _ADDRESS_BELOW = re.compile(r"\]\(<?[^\s()<>]*+\Z"), re.compile(r"[ ]{0,3}+\[[^\[\]]++\]:[ \t]*+<?\S*+\Z")
_TEXTS = {"mcsubject": "subject", "campaignsubject": "subject", "mcpreviewtext": "preheader"}
_HOW = re.compile(r"(?:title|upper|lower|url):", re.IGNORECASE)  # how Mailchimp writes a value
_NOTHING = [
    (re.compile(rf"(?:{pattern})", re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"(?:else)?if(?:not)?(?![^\W_])|el(?:se|if)(?![^\W_])|end(?:if|for|:)|for\Z|interested:|group:",
            "Choose one wording and remove {it}: every reader gets the same.",
        ),
        (
            r"update_?profile|(?:manage_?)?preferences|manageurl|profile_center",
            "Remove {it}: readers do not change their data themselves.",
        ),
        (r"forward", "Remove {it}: readers forward with their mail program."),
        (r"trackview", "Remove {it}: opens are counted without."),
        (r"(?:list|html|user):|about_list|member_", "Write your own words instead."),
        (r"date:|current_?year|today", "Write the date instead."),
    )
]
_NO_FIELD = "No field of your audience has this name: write the merge field that you mean, or remove {it}."


@dataclass(frozen=True)
class Tag:
    """``written``: as it stands. ``ours``: what it is here, in words; empty where there is nothing.

    Then ``advice`` is a sentence, with ``{it}`` for the tag.
    """

    written: str
    program: str
    ours: str
    advice: str = ""


def find(text: str, kind: str, names: Sequence[str]) -> list[Tag]:
    """The tags that readers of ``text`` would see, each once, in order.

    ``kind``: that of a body, empty for a subject or a preheader. ``names``: the merge fields of the audience.
    """
    found = {match[0]: match for match in _pattern(kind).finditer(text) if match.lastgroup}
    tags = [_tag(match, names) for match in found.values()]
    return [tag for tag in tags if not (own := merge.fields_used(tag.written)) or own != merge.fields_used(tag.ours)]


def are_in(text: str) -> bool:
    """Whether a tag is in an address or a text."""
    return any(match.lastgroup for match in _pattern("").finditer(text))


def begin(text: str) -> bool:
    """Whether a tag is the beginning of ``text``."""
    found = _pattern("").match(text)
    return bool(found and found.lastgroup)


def without(text: str, kind: str = "") -> str:
    """``text`` without its tags."""
    return _pattern(kind).sub(lambda match: "" if match.lastgroup else match[0], text)


def translated(made: mail.Content, names: Sequence[str]) -> mail.Content:
    """``made`` with what is ours in place of each tag in subject, preheader and body; those with nothing stay.

    What unsubscribes or shows the mail in the browser, where it stands among the words of the body, becomes a link
    with words of the mail's language.
    """
    subject = _translated(made.subject, "", names, "")
    preheader = _translated(made.preheader, "", names, subject)
    words = languages.of(made.language)
    body = _translated(made.body, made.body_kind, names, subject, {_WAY_OUT: words.leave, _VIEW: words.view})
    return replace(made, subject=subject, preheader=preheader, body=body)


def _translated(
    text: str, kind: str, names: Sequence[str], subject: str, links: Mapping[str, str] | None = None
) -> str:
    """``links``: what is clicked at, by the field that is an address."""
    in_html = kind in (BodyKind.rich, BodyKind.html)

    def put(match: re.Match[str]) -> str:
        name, rest = _parts(match)
        if words := _TEXTS.get(columns.key(name)):
            shown = subject if words == "subject" else ""  # a mail has its preheader already
            return html.escape(shown).replace("&#x27;", "&#39;") if in_html else shown
        field = _field(name, names)
        if links and field in links:
            before, after = text[max(match.start() - _LOOK, 0) : match.start()], text[match.end() : match.end() + _LOOK]
            return _link(before, after, field, links[field], in_html)
        return _with_default(field, rest, match[0].startswith("["), in_html) if field else match[0]

    return _NOT_BEFORE.sub("", _pattern(kind).sub(put, text))


def _link(before: str, after: str, field: str, words: str, in_html: bool) -> str:
    """What stands between ``before`` and ``after``: the address ``field`` within a tag or an address, ``words`` within
    the words of a link, else a link."""
    address, shown = f"{{{{ {field} }}}}", html.escape(words) if in_html else words
    if merge.open_tag(before) or (not in_html and _is_to_address(before)):
        return address
    in_words = not in_html and _WORDS.match(before, max(before.rfind("["), 0)) and _WORDS_END.match(after)
    lower = before.lower()
    if in_words or lower.rfind("<a ") > lower.rfind("</a"):
        return shown
    return f'<a href="{address}">{shown}</a>' if in_html else f"[{shown}]({address})"


def _is_to_address(before: str) -> bool:
    """Whether Markdown reads what follows as where a link leads."""
    line = before[before.rfind("\n") + 1 :]
    return bool(_ADDRESS.match(line, max(line.rfind("]("), 0)) or _ADDRESS_BELOW.match(line))


def _with_default(field: str, rest: str, is_bare: bool, in_html: bool) -> str:
    """``field`` as it is written here, with the default that stood behind the tag: in our own way, or ``is_bare``."""
    alone, whole = f"{{{{ {field} }}}}", f"{{{{ {field} {rest.strip()} }}}}"
    if is_bare and rest.strip():
        return merge.with_default(alone, field, rest, in_html)
    return whole if rest.strip() and merge.fields_used(whole) else alone


def _tag(match: re.Match[str], names: Sequence[str]) -> Tag:
    written, program = match[0], _WAYS[int((match.lastgroup or "")[3:])][0]
    name, _ = _parts(match)
    if words := _TEXTS.get(columns.key(name)):
        return Tag(written, program, f"the {words}")
    if field := _field(name, names):
        return Tag(written, program, f"{{{{ {field} }}}}")
    advice = next((advice for pattern, advice in _NOTHING if pattern.match(name)), _NO_FIELD)
    return Tag(written, program, "", advice)


def _field(name: str, names: Sequence[str]) -> str:
    """The merge field that a tag's name means, the audience's own where one fits; empty for none."""
    key, own = columns.key(name), {columns.key(each): each for each in reversed(names)}
    if key in own:
        return own[key]
    same = next(((ours, others.split()) for ours, others in _SAME.items() if key in others.split()), None)
    return next((own[each] for each in same[1] if each in own), same[0]) if same else ""


def _parts(match: re.Match[str]) -> tuple[str, str]:
    """The name of a tag, and what stands behind it; two empty texts where nobody reads."""
    if not match.lastgroup:
        return "", ""
    at = match.re.groupindex[match.lastgroup]
    return _HOW.sub("", match[at + 1].strip(), count=1), match[at + 2]


def _pattern(kind: str) -> re.Pattern[str]:
    return _TAGS_OF_MARKDOWN if kind == BodyKind.markdown else _TAGS


def _compiled(unread: str) -> re.Pattern[str]:
    ways = (f"(?P<way{number}>{pattern})" for number, (_, pattern) in enumerate(_WAYS))
    return re.compile(rf"(?=[<`*{{%\[\\])(?:{unread}|{'|'.join(ways)})", re.DOTALL)


_TAGS, _TAGS_OF_MARKDOWN = _compiled(_UNREAD), _compiled(f"{_UNREAD}|{_QUOTED}")
