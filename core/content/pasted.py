"""What was copied in Word, Google Docs, a browser or a mail, as rich text: its words with what their writer chose,
without what the program writes on all of them."""

import re
from collections import Counter
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

import nh3

from core.content import colours, html, plain, tables

_TAGS = tables.TAGS | {
    "a", "b", "blockquote", "br", "code", "del", "div", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "ins", "li", "ol", "p", "pre", "s", "span", "strike", "strong", "sub", "sup", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    **tables.ATTRIBUTES,
    "*": {"style", "class"},
    "a": {"href", "title"},
    "font": {"color"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
}
_OURS = {"button", "columns", "column", "caption", "footer"}
_BECOME = {"h5": "h4", "h6": "h4", "del": "s", "font": "span", "ins": "span"}
_BLOCKS = {"p", "div", "h1", "h2", "h3", "h4", "hr", "ul", "ol", "table", "blockquote", "pre"}
_CELLS = {"td", "th", "li"}
_BETWEEN = (_BLOCKS | _CELLS | {"caption", "thead", "tbody", "tfoot", "tr"}) - {"pre"}
_BOLD = {"b", "strong", "th", "h1", "h2", "h3", "h4"}
_DRAWN = {"svg", "canvas", "object"}
_SHOWN = ("http://", "https://", "/i/", "data:image/")
# mso-list:l0 level1 lfo1
_LEVEL = re.compile(r"(?:(l\d+)\s+)?level(\d)(?:\s+(lfo\d+))?")
_MARK = re.compile(r"\A\s*([·•§▪●○oØ–-]|(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})[.)])(?:\s|&nbsp;){2,}")
_ENDS_IN_TABLE = re.compile(r"</table>(?:\s|</div>)*\Z")
_NUMBER = re.compile(r"\A\w{1,4}[.)]\Z")


@dataclass(frozen=True)
class Pasted:
    """Sanitised rich text, and how many pictures and drawings the clipboard only had the place of."""

    html: str
    gone: int


def read(source: str) -> Pasted:
    """``source`` (HTML of a clipboard) for the rich text editor."""
    reader = _Reader()
    reader.feed(
        nh3.clean(
            plain.flat(source),
            tags=_TAGS,
            clean_content_tags={"script", "style", "title"},
            attributes=_ATTRIBUTES,
            url_schemes=plain.SCHEMES,
            link_rel=None,
        )
    )
    reader.close()
    made = html.for_editor(reader.text())
    gone = sum(_is_gone(tag, dict(attributes)) for tag, attributes in html.tags(source))
    return Pasted(made + "<div><br></div>" if _ENDS_IN_TABLE.search(made[-200:]) else made, gone)


def _is_gone(tag: str, given: dict[str, str]) -> bool:
    return tag in _DRAWN or (tag == "img" and bool(given.get("src")) and not given["src"].lower().startswith(_SHOWN))


@dataclass
class _Cell:
    start: int  # of its words, in what is written
    has_words: bool = False


@dataclass(frozen=True)
class _List:
    level: int
    name: str
    key: tuple[str, ...]


@dataclass
class _Item:
    """A paragraph of Word that may be one of a list; ``mark``: its dot or number, once that was read."""

    start: int
    level: int
    key: tuple[str, ...]
    is_sure: bool
    mark: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[tuple[str, str]] = []  # tag, what closes what was made of it
        self.within: Counter[str] = Counter()
        self.cells: list[_Cell] = []  # and items of lists, that are open
        self.lists: list[_List] = []  # of Word's paragraphs
        self.item: _Item | None = None
        self.marks = 0  # how deep in the dot or number of an item
        self.is_between = True  # blocks, where blanks mean nothing

    def text(self) -> str:
        """What was made; call it once."""
        self._end_lists()
        return "".join(self.out).strip("\r\n\t")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        style = _style(given.get("style", ""))
        name = _BECOME.get(tag, tag)
        if name in ("b", "strong") and style.get("font-weight") in ("normal", "400"):
            name = "span"  # Google Docs puts one around everything
        self.is_between = name in _BETWEEN
        if name in ("br", "hr", "img"):
            return self._void(name, given)
        self.within[name] += 1
        if self.marks or (self.item and "ignore" in style.get("mso-list", "").lower()):
            self.marks += 1
            return self.open.append((name, "mark"))
        if name in _BLOCKS:
            self._block(name, given.get("class", ""), style)
        opened, closes = self._made(name, given, style)
        self.out.append(opened)
        self.open.append((name, closes))
        if name in _CELLS:
            self.cells.append(_Cell(len(self.out)))

    def handle_endtag(self, tag: str) -> None:
        if _BECOME.get(tag, tag) in ("br", "hr", "img") or not self.open:
            return
        name, closes = self.open.pop()
        self.is_between = name in _BETWEEN
        self.within[name] -= 1
        if closes == "mark":
            self.marks -= 1
            return
        if name in _CELLS:
            self.cells.pop()
        self.out.append(closes)
        if name == "p" and self.item:
            self._end_item(self.item)

    def handle_data(self, data: str) -> None:
        if self.marks and self.item:
            self.item.mark += data.strip()
        elif data.strip() or "\n" not in data or not self.is_between or self.within["pre"]:
            self.is_between = False
            if self.cells:
                self.cells[-1].has_words = True
            self.out.append(escape(data, quote=False).replace("\xa0", "&nbsp;"))

    def _void(self, name: str, given: dict[str, str]) -> None:
        if name == "hr":
            self._end_lists()
        is_seen = name != "img" or given.get("src", "").lower().startswith(_SHOWN)
        if is_seen and not self.marks and "Apple-interchange-newline" not in given.get("class", ""):
            self.out.append(_tag(name, {key: given[key] for key in given if key not in ("style", "class")}))

    def _block(self, name: str, word_class: str, style: dict[str, str]) -> None:
        """Where a block begins: the lists of Word end unless it goes on with one."""
        found = _LEVEL.search(style.get("mso-list", "").lower())
        if name == "p" and not self.cells and (found or word_class.startswith("MsoListParagraph")):
            key = (found[1] or "", found[3] or "") if found else ()
            self.item = _Item(len(self.out), int(found[2]) if found else 1, key, bool(found))
        elif not self.cells:
            self._end_lists()

    def _made(self, name: str, given: dict[str, str], style: dict[str, str]) -> tuple[str, str]:
        """What opens and closes it now."""
        if name == "p" and self.cells:
            return self._line_in_cell(style), ""
        if name == "p" and self.item:
            return "", ""
        kept = {key: given[key] for key in given if key not in ("style", "class", "color")}
        classes = _OURS & set(given.get("class", "").split())
        if classes:
            return _tag(name, {**kept, "class": " ".join(classes)}), f"</{name}>"
        if name == "td" and self.within["thead"]:
            name = "th"
        look = self._look(name, {**({"color": given["color"]} if "color" in given else {}), **style})
        if name == "span":
            return self._marked(style, look)
        if (name == "a" and "href" not in given) or (name == "u" and self.within["a"]):
            return "", ""
        if name in ("b", "strong") and self.within["thead"]:
            return "", ""  # headings are bold
        return _tag(name, {**kept, **_css(look)}), f"</{name}>"

    def _look(self, name: str, style: dict[str, str]) -> dict[str, str]:
        found = {} if name in ("table", "thead", "tbody", "tr", "td", "th") else colours.of(style)
        if self.within["a"]:
            found.pop("color", None)  # a link has the look of links
        if name not in ("span", "a", "ul", "ol") and style.get("text-align") in ("center", "right", "justify"):
            found["text-align"] = style["text-align"]
        return found

    def _marked(self, style: dict[str, str], look: dict[str, str]) -> tuple[str, str]:
        """Words with a style, as tags; without one that matters they are words."""
        line = style.get("text-decoration", "") + style.get("text-decoration-line", "")
        tags = {
            "b": _is_bold(style.get("font-weight", "")) and not any(self.within[each] for each in _BOLD),
            "i": style.get("font-style") == "italic" and not self.within["i"] + self.within["em"],
            "u": "underline" in line and not self.within["a"] + self.within["u"],
            "s": "line-through" in line and not self.within["s"],
            "sup": style.get("vertical-align") == "super" and not self.within["sup"],
            "sub": style.get("vertical-align") == "sub" and not self.within["sub"],
        }
        names = [name for name, is_so in tags.items() if is_so]
        opened = "".join(f"<{name}>" for name in names)
        closes = "".join(f"</{name}>" for name in reversed(names))
        return (_tag("span", _css(look)) + opened, closes + "</span>") if look else (opened, closes)

    def _line_in_cell(self, style: dict[str, str]) -> str:
        """A paragraph in a cell is a line; the first one's alignment is the cell's."""
        cell, align = self.cells[-1], style.get("text-align")
        if cell.has_words:
            return "<br>"
        tag = self.out[cell.start - 1]
        if align in ("center", "right") and tag.startswith(("<td", "<th")) and "style=" not in tag:
            self.out[cell.start - 1] = f'{tag[:-1]} style="text-align:{align}">'
        return ""

    def _end_item(self, item: _Item) -> None:
        self.item = None
        words = "".join(self.out[item.start :])
        del self.out[item.start :]
        mark = None if item.mark else _MARK.match(words)
        if not item.is_sure and not mark:
            self._end_lists()
            self.out.append(f"<p>{words}</p>")
            return
        words = words[mark.end() :] if mark else words
        self._go_to(item.level, item.key, item.mark or (mark[1] if mark else ""))
        self.out.append(words.strip())

    def _go_to(self, level: int, key: tuple[str, ...], mark: str) -> None:
        name = "ol" if _NUMBER.match(mark) else "ul"
        while self.lists and (self.lists[-1].level > level):
            self._end_list()
        if self.lists and self.lists[-1] == _List(level, name, key):
            self.out.append("</li>")
        elif self.lists and self.lists[-1].level == level:
            self._end_list()
        if not self.lists or self.lists[-1].level < level:
            number = mark[:-1] if mark[:-1].isascii() and mark[:-1].isdecimal() else "1"
            self.out.append(_tag(name, {"start": number} if name == "ol" and number != "1" else {}))
            self.lists.append(_List(level, name, key))
        self.out.append("<li>")

    def _end_list(self) -> None:
        self.out.append(f"</li></{self.lists.pop().name}>")

    def _end_lists(self) -> None:
        while self.lists:
            self._end_list()


def _style(value: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in value.split(";"))
    return {name.strip().lower(): said.strip().lower() for name, _, said in pairs if said.strip()}


def _is_bold(weight: str) -> bool:
    return weight in ("bold", "bolder") or (weight.isdecimal() and int(weight[:4]) >= 600)


def _css(look: dict[str, str]) -> dict[str, str]:
    return {"style": ";".join(f"{name}:{value}" for name, value in look.items())} if look else {}


def _tag(name: str, given: dict[str, str]) -> str:
    return "<" + " ".join([name, *(f'{key}="{escape(value)}"' for key, value in given.items())]) + ">"
