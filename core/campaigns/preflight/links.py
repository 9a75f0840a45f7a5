"""Where the links of a mail lead, as far as their addresses tell: nothing is fetched here."""

import ipaddress
import re
from collections import Counter
from difflib import get_close_matches
from urllib.parse import SplitResult, urlsplit

from core.audience import addresses
from core.campaigns.findings import Finding, Level
from core.campaigns.preflight import tags
from core.content import foreign, merge
from core.content.links import counted

# What runs code or reads files where it is opened; mail programs take such links out or warn of them.
_UNSAFE = {"javascript", "vbscript", "data", "file", "blob", "about"}
_USUAL = {"http", "https", "mailto", "tel"}
# Made to hide where they lead: filters of spam judge a mail by what others sent through them.
_SHORTENERS = {
    "bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "ow.ly", "rb.gy", "rebrand.ly", "shorturl.at", "t.co", "t.ly",
    "tiny.cc", "tinyurl.com",
}  # fmt: skip
_PLACEHOLDERS = ("example.com", "example.org", "example.net", "example", "test", "invalid")  # RFC 2606
_INSIDE = ("local", "internal", "lan", "home", "corp", "intranet", "home.arpa")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?\.?")
_LOOKS_WEB = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,24})(?:[/?#]\S*)?", re.IGNORECASE)
_MOST = 8  # sentences of one kind


def findings(body: str) -> list[Finding]:
    """What is wrong with the links of ``body`` (before merging), each address once, errors first."""
    found: dict[str, Finding] = {}
    quiet: Counter[str] = Counter()
    first: dict[str, str] = {}
    written = [link for link in tags.links(body) if not foreign.are_in(link.address or "")]
    for link in dict.fromkeys(written):
        level, words = judge(link.address, link.text)
        if level is None:
            continue
        if level == Level.note:
            quiet[words] += 1
            first.setdefault(words, link.address or "")
        else:
            mark = link.text if (link.address or "").strip() in ("", "#") else link.address or ""
            found.setdefault(words, Finding(level, words, "content", "body", mark=mark))
    ordered = sorted(found.values(), key=lambda each: each.level != Level.error)
    notes = [_counted(words, count, first[words]) for words, count in quiet.items()]
    return [*ordered[:_MOST], *notes, *_uncounted([link.address or "" for link in written])]


_OURS = (["unsubscribe_url"], ["view_url"])


def _uncounted(found: list[str]) -> list[Finding]:
    """A note of those at which nobody counts clicks though nothing is wrong with them."""
    web = [each for each in dict.fromkeys(found) if each.strip().lower().startswith(("http", "{{"))]
    own = [each for each in web if merge.fields_used(each) not in _OURS and not counted(each)]
    quiet = [each for each in own if judge(each)[0] in (None, Level.note)]
    if not quiet:
        return []
    which = "a link" if len(quiet) == 1 else f"{len(quiet):,} links"
    words = f"Clicks at {which} are not counted: merge fields may only stand behind the host, in 2,000 characters."
    return [Finding(Level.note, words, "content", "body", mark=quiet[0])]


def judge(address: str | None, text: str = "") -> tuple[Level | None, str]:
    """(how bad, why) of one link; (None, "") where nothing is wrong. A note's sentence begins without its number."""
    bare = re.sub(r"[\t\r\n]", "", address or "").strip()  # as browsers read it
    if bare in ("", "#"):
        named = f"The link “{tags.short(text)}”" if text else "A link without a text"
        return Level.error, f"{named} leads nowhere: it has no address."
    if bare.startswith("#"):
        return None, ""
    if isinstance(merge.parse(bare)[0], merge.Field):
        return None, ""  # each recipient has another one: the survey looks at them
    filled = "".join(piece if isinstance(piece, str) else "x" for piece in merge.parse(bare))
    shown = tags.short(bare)
    scheme = _SCHEME.match(filled)
    if scheme is None or filled.startswith("//"):
        return Level.error, f"The link {shown} has no https:// before it, so it leads nowhere in a mail."
    name = scheme[1].lower()
    if name in _UNSAFE:
        return Level.error, f"The link {shown} is unsafe: mail programs refuse {name}: links."
    if name == "mailto":
        to = filled[7:].partition("?")[0]
        good = not to or all(addresses.read(each.replace("%40", "@")).email for each in to.split(","))
        return (None, "") if good else (Level.error, f"The link {shown} is not to a mail address.")
    if meant := get_close_matches(name, ("https", "http"), 1, 0.75) if name not in _USUAL else []:
        return Level.error, f"The link {shown} is mistyped: it begins with {name}: instead of {meant[0]}:."
    if name not in _USUAL:
        return Level.warning, f"The link {shown} opens an app: many mail programs do not follow {name}: links."
    if name == "tel":
        good = bool(re.fullmatch(r"\+?[\d().\- ]{2,30}", filled[4:].replace("%20", " ")))
        return (None, "") if good else (Level.error, f"The link {shown} is not a telephone number.")
    return _web(filled, shown, text)


def _web(address: str, shown: str, text: str) -> tuple[Level | None, str]:
    """The syntax is that of RFC 3986, as browsers read it."""
    try:
        parts = urlsplit(address)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return Level.error, f"The link {shown} is not a web address."
    if not re.match(r"https?://[^/]", address, re.IGNORECASE) or re.search(r"[\s<>\"\\]", address) or not host:
        return Level.error, f"The link {shown} is not a web address."
    if (kind := place(host)) == "bad":
        return Level.error, f"The link {shown} is not a web address: there can be no server named {tags.short(host)}."
    if kind == "here":
        return Level.error, f"The link {shown} leads to the reader's own computer. Use the address of your web site."
    return _doubts(parts, host, kind, shown, text)


def _doubts(parts: SplitResult, host: str, kind: str, shown: str, text: str) -> tuple[Level | None, str]:
    if "@" in parts.netloc:
        return Level.warning, f"The link {shown} has a name before an @ in it, as phishing has. Take it out."
    if kind == "inside":
        return Level.warning, f"The link {shown} leads into a private network: readers elsewhere cannot follow it."
    if kind == "number":
        return Level.warning, f"The link {shown} is a number instead of a name: filters of spam distrust such links."
    if kind == "placeholder":
        return Level.warning, f"The link {shown} is a placeholder. Put the address that you mean."
    if host.lower().removeprefix("www.") in _SHORTENERS:
        return Level.warning, f"The link {shown} hides where it leads: filters of spam distrust {host}. Link directly."
    if (said := _said_host(text)) and not _same_site(said, host):
        return Level.warning, f"A link reads {said} but leads to {host}: mail programs warn of phishing then."
    if parts.scheme.lower() == "http":
        return Level.note, "with http:// instead of https://: browsers call such pages not secure."
    return None, ""


def place(host: str) -> str:
    """Empty for a public name; bad (none), here (this computer), inside (a private network), number, placeholder."""
    lower = host.lower().rstrip(".")
    try:
        ip = ipaddress.ip_address(lower)
    except ValueError:
        return _named_place(lower)
    if ip.is_loopback or ip.is_unspecified:
        return "here"
    return "number" if ip.is_global else "inside"


def is_placeholder(address: str) -> bool:
    """Whether it leads to a name that RFC 2606 keeps for examples."""
    try:
        return place(urlsplit(address).hostname or "") == "placeholder"
    except ValueError:
        return False


def _named_place(host: str) -> str:
    if host == "localhost" or host.endswith(".localhost"):
        return "here"
    if not _HOST.fullmatch(host) or re.fullmatch(r"[\d.]+", host):
        return "bad"
    if any(host == name or host.endswith(f".{name}") for name in _PLACEHOLDERS):
        return "placeholder"
    if "." not in host or host.endswith(tuple(f".{name}" for name in _INSIDE)):
        return "inside"
    return ""


def _said_host(text: str) -> str:
    """The host that a link's text shows, where it is nothing but an address."""
    found = _LOOKS_WEB.fullmatch(text.strip())
    return found[1].lower() if found else ""


def _same_site(one: str, other: str) -> bool:
    one, other = (host.lower().removeprefix("www.") for host in (one, other))
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _counted(words: str, count: int, mark: str) -> Finding:
    subject = "A link begins" if count == 1 else f"{count:,} links begin"
    return Finding(Level.note, f"{subject} {words}", "content", "body", mark=mark)
