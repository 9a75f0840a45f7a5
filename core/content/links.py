"""The links of a mail's HTML that a click can be counted at: plain http(s) addresses of <a> and <area>."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import quote, urlsplit

from core import crypto
from core.audience import addresses as domains
from core.content import merge, places

MOST = 1_000  # different addresses in one campaign; later ones stay as they are
_LONGEST = 2_000  # characters of an address, about what every mail program and browser follows
# Bounded and possessive, so that no input takes more than linear time.
_TAG = re.compile(r"""<(?:a|area)(?=[\s/])((?:[^<>"']++|"[^"]{0,4000}+"|'[^']{0,4000}+'){0,100}+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++)))?""")
_NOTHING = re.compile(r"(?:\s|&nbsp;)*+</a", re.IGNORECASE)  # a link without words
_PLAIN = re.compile(r"""https?://[^\s\x00-\x1f\x7f\\"'<>`{}|^@/?#]++(?:[/?#][^\s\x00-\x1f\x7f\\"<>`{}|^]*+)?+""", re.I)
_OWN = {"unsubscribe_url", "view_url"}  # of each mail: they are counted by themselves
_MARK = "\ufdd3"
CLICK = merge.Field("@click")  # where a mail's token goes; a name that the grammar of merge fields cannot write
_SAFE = "%/:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True)
class Link:
    """``source[start:end]`` is how ``url`` is written there; ``url`` is ASCII but for its merge fields."""

    start: int
    end: int
    url: str


def find(source: str) -> list[Link]:
    """The links in ``source`` (before merging), in order.

    Left out: mailto:, tel: and the like, anchors, addresses with a merge field before their path (nobody may choose
    the server but who wrote the mail), with a name and password or with anything that no address has, and links in
    comments.
    """
    seen = merge.blanked(places.hide_comments(source))
    return [link for tag, href in _hrefs(seen) for link in _link(source, tag.start(1), href)]


def has_way_out(source: str) -> bool:
    """Whether a link that a reader can click at leads to ``{{ unsubscribe_url }}``; the address as words is none."""
    seen = merge.blanked(places.hide_comments(source))
    for tag, href in _hrefs(seen):
        start, end = (tag.start(1) + at for at in href.span(href.lastindex or 1))
        first = next(iter(merge.parse(source[start:end].strip())), "")
        leads_out = isinstance(first, merge.Field) and first.name == "unsubscribe_url"
        if leads_out and not _NOTHING.match(seen, tag.end()):
            return True
    return False


def _hrefs(seen: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """The tags of links with their address."""
    for tag in _TAG.finditer(seen):
        for attribute in _ATTRIBUTE.finditer(tag[1]):
            if attribute[1].lower() == "href":
                yield tag, attribute
                break  # of two, browsers take the first


def addresses(source: str) -> list[str]:
    """The addresses of ``find``, each once, at most MOST."""
    return list(dict.fromkeys(link.url for link in find(source)))[:MOST]


def _link(source: str, offset: int, attribute: re.Match[str]) -> list[Link]:
    if (group := attribute.lastindex or 1) == 1:
        return []
    start, end = offset + attribute.start(group), offset + attribute.end(group)
    url = counted(unescape(source[start:end]))
    is_same = _fields(merge.parse(url)) == _fields(merge.parse_html(source[start:end]))  # entities may hide a brace
    return [Link(start, end, url)] if url and is_same else []


def _fields(pieces: Iterable[str | merge.Field]) -> list[tuple[str, str]]:
    return [(piece.name, piece.default) for piece in pieces if isinstance(piece, merge.Field)]


def counted(address: str) -> str:
    """``address`` with its merge fields, in ASCII but for these, when clicks at it can be counted; "" otherwise."""
    hidden, fields = merge.hidden(address)
    url = plain(hidden)
    if any(word in urlsplit(url).netloc for word in fields) or _OWN.intersection(merge.fields_used(address)):
        return ""
    url = merge.shown(url, fields, escaped=False)
    return url if len(url.encode(errors="replace")) <= _LONGEST else ""


def filled(url: str, fields: Mapping[str, object]) -> str:
    """``url`` (of ``counted``) with the values encoded as they are in a mail: they never change where it leads to."""
    return "".join(
        piece if isinstance(piece, str) else merge.address_part(merge.value(piece, fields), merge.Context.url)
        for piece in merge.parse(url)
    )


def plain(address: str) -> str:
    """``address`` in ASCII when a reader may be sent there; "" otherwise."""
    address = address.strip(" \t\r\n\f")
    if not _PLAIN.fullmatch(address):
        return ""
    try:
        parts = urlsplit(address)
        host = domains.ascii_domain(parts.hostname or "")
    except ValueError:
        return ""
    if host and not parts.netloc.isascii():
        address = parts._replace(netloc=parts.netloc.replace(parts.netloc.partition(":")[0], host, 1)).geturl()
    url = quote(address, safe=_SAFE, errors="replace")
    return url if host and host.isascii() and len(url) <= _LONGEST else ""


def marked(source: str, before: str, numbered: Sequence[tuple[str, int]]) -> str:
    """``source`` with the address of each link in ``numbered`` replaced by ``before``, a mark and the link's token."""
    if not numbered:
        return source
    source = source.replace(_MARK, "")  # no letter: nobody misses it
    tokens = {url: crypto.sign("link", number) for url, number in numbered}
    pieces, end = list[str](), 0
    for link in find(source):
        if link.url in tokens:
            pieces += [source[end : link.start], f"{before}{_MARK}.{tokens[link.url]}"]
            end = link.end
    return "".join([*pieces, source[end:]])


def split(pieces: Iterable[str | merge.Field]) -> list[str | merge.Field]:
    """``pieces`` with CLICK in place of each mark."""
    parted: list[str | merge.Field] = []
    for piece in pieces:
        if isinstance(piece, str):
            first, *others = piece.split(_MARK)
            parted += [first] if first else []
            for text in others:
                parted += [CLICK, text]
        else:
            parted.append(piece)
    return parted


def verified(token: str) -> tuple[int, int] | None:
    """The message and the link of an address that ``marked`` made for a mail; None for anything else.

    Both parts are signed, each for itself: who mixes those of two mails comes to an address of one of them, and counts
    at no link.
    """
    first, _, last = token.partition(".")
    message_id, link_id = crypto.verify("click", first), crypto.verify("link", last)
    return None if message_id is None or link_id is None else (message_id, link_id)
