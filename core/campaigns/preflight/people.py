"""What a survey of the audience means for the user, in sentences."""

from core.audience import addresses
from core.campaigns.findings import Finding, Level
from core.campaigns.preflight.survey import Kind, Survey, is_clipped


def findings(found: Survey) -> list[Finding]:
    """Of a survey that is done, or as far as it is; warnings first."""
    said = [_gap(found, name, kind) for name, kind in found.gaps.items() if kind.count]
    said += _kind(found, "unmailable", "{who} cannot be mailed: {first} Their mail will fail, the others go out.")
    said += _kind(found, "invalid", "{who} no valid address: {first}.", have=True)
    said += _kind(found, "bad_links", "{who} a broken link of their own. {first}", have=True)
    said += _kind(found, "mistyped", "{who} an address that looks mistyped ({email}, {first}).", have=True)
    if is_clipped(found):
        words = f"With the longest values the body has {found.largest // 1024:,} KB. Gmail hides what follows 102 KB."
        said.append(Finding(Level.warning, words, "content", "body"))
    if found.is_done:
        said += _facts(found)
    return sorted(said, key=lambda each: each.level != Level.warning)


def _gap(found: Survey, name: str, kind: Kind) -> Finding:
    """A field that some recipients have no value for, or that nobody has at all."""
    written, has_default = f"{{{{ {name} }}}}", found.defaults[name]
    key, gap = f"gap:{name}", "" if has_default else name
    if kind.count == found.recipients and found.is_done:
        shown = "its default is shown" if has_default else "its place stays empty"
        words = f"No recipient has the field {written}: {shown} in every mail."
        return Finding(Level.warning, words, "content", "body", "", gap, written)
    if has_default:
        words = f"{_of(kind.count, found)} nothing for {written}: its default is shown to them."
        return Finding(Level.note, words, "content", "body", key, mark=written)
    words = f"{_of(kind.count, found)} nothing for {written}: its place stays empty for them."
    return Finding(Level.warning, words, "content", "body", key, gap, written)


def _of(count: int, found: Survey) -> str:
    verb = "has" if count == 1 else "have"
    return f"{count:,} of {found.recipients:,} recipients {verb}"


def _kind(found: Survey, key: str, sentence: str, have: bool = False) -> list[Finding]:
    kind = found.named(key)
    if not kind.count:
        return []
    who = "1 recipient" if kind.count == 1 else f"{kind.count:,} recipients"
    if have:
        who += " has" if kind.count == 1 else " have"
    first = kind.people[0]
    words = sentence.format(who=who, first=first.words, email=addresses.shown(first.email))
    step, place = ("content", "body") if key == "bad_links" else ("audience", "lists")
    return [Finding(Level.warning, words, step, place, key)]


def _facts(found: Survey) -> list[Finding]:
    facts = []
    if found.suppressed:
        are = "1 address is" if found.suppressed == 1 else f"{found.suppressed:,} addresses are"
        words = f"{are} on your suppression list (unsubscribed, bounced, complained) and left out."
        facts.append(Finding(Level.note, words, "audience", "lists", "suppressed_people"))
    if found.doubled:
        times = "1 address is" if found.doubled == 1 else f"{found.doubled:,} addresses are"
        facts.append(Finding(Level.note, f"{times} on more than one list: everybody gets the mail once.", "audience"))
    if found.international:
        have = "1 recipient has" if found.international == 1 else f"{found.international:,} recipients have"
        words = f"{have} letters beyond ASCII in the address: only mail servers with SMTPUTF8 take such mails."
        facts.append(Finding(Level.note, words, "audience", "lists"))
    return facts
