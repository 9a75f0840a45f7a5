"""The frame that turns a rich draft into a mail: a 600 px column that shrinks on phones and fits dark mode."""

import re
from html import escape
from html.parser import HTMLParser

from core.content import languages, links
from core.content.languages import Words

_FONT = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
# Mail clients drop <style>, so every element carries its own.
_STYLES = {
    "p": "margin:0 0 16px;",
    "div": "margin:0;",
    "h1": "margin:0 0 16px;font-size:28px;line-height:36px;font-weight:700;",
    "h2": "margin:24px 0 12px;font-size:22px;line-height:30px;font-weight:700;",
    "h3": "margin:20px 0 8px;font-size:18px;line-height:26px;font-weight:700;",
    "h4": "margin:16px 0 8px;font-size:16px;line-height:24px;font-weight:700;",
    "a": "color:#4f46e5;text-decoration:underline;",
    "ul": "margin:0 0 16px;padding:0 0 0 24px;",
    "ol": "margin:0 0 16px;padding:0 0 0 24px;",
    "li": "margin:0 0 6px;",
    "blockquote": "margin:0 0 16px;padding:0 0 0 16px;border-left:4px solid #c7d2fe;",
    "pre": "margin:0 0 16px;padding:12px;background-color:#f1f5f9;white-space:pre-wrap;font-size:14px;",
    "hr": "margin:24px 0;border:0;border-top:1px solid #e2e8f0;",
    "img": "max-width:100%;height:auto;border:0;",
    "code": "font-family:Menlo,Consolas,monospace;font-size:14px;",
    "table": "width:100%;margin:0 0 16px;border-collapse:collapse;",
    "th": "padding:8px 12px 8px 0;border-bottom:2px solid #cbd5e1;text-align:left;",
    "td": "padding:8px 12px 8px 0;border-bottom:1px solid #e2e8f0;text-align:left;vertical-align:top;",
}
_CLASSES = {
    "button": "display:inline-block;padding:12px 26px;border-radius:8px;background-color:#4f46e5;color:#ffffff;"
    "font-weight:600;line-height:22px;text-decoration:none;text-underline-color:#4f46e5;mso-padding-alt:0;",
    "caption": "margin:-8px 0 16px;font-size:13px;line-height:20px;color:#64748b;",
    "columns": "font-size:0;text-align:left;",
    "column": "display:inline-block;width:100%;vertical-align:top;font-size:16px;box-sizing:border-box;"
    "padding:0 16px 0 0;max-width:{width}px;",
    "footer": "margin:24px 0 0;padding:16px 0 0;border-top:1px solid #e2e8f0;font-size:13px;line-height:20px;"
    "color:#64748b;",
}
_INSIDE = 520  # pixels: the page's 600 without its edges
# Outlook gives a link no padding: spaces of a wide font, which nobody else sees, make the button.
_MSO_BEFORE = '<!--[if mso]><i style="mso-font-width:325%;mso-text-raise:22px" hidden>&emsp;</i><![endif]-->'
_MSO_AFTER = '<!--[if mso]><i style="mso-font-width:325%" hidden>&emsp;&#8203;</i><![endif]-->'
# Outlook knows no inline blocks: there columns are cells.
_CELL = '<td width="{width}" valign="top" style="padding:0">'
_MSO_COLUMNS = (
    f'<!--[if mso]><table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>{_CELL}<![endif]-->'
)
_MSO_NEXT = f"<!--[if mso]></td>{_CELL}<![endif]-->"
_MSO_COLUMNS_END = "<!--[if mso]></td></tr></table><![endif]-->"
_VOID = {"br", "hr", "img"}
_MSO_CELLS = re.compile(r'<!--\[if mso\]>(?:<table role="presentation" width="100%"|</td>)[^\n\[]*?<!\[endif\]-->')
_OPENS = re.compile(r"""<([a-z][a-z0-9]*)(?=[ >])(?=(?:[^<>]*? class="([a-z]+)")?)[^<>]*>""")

_TOP = f"""<!doctype html>
<html lang="@" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="x-apple-disable-message-reformatting">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title></title>
<!--[if mso]>
<xml><o:OfficeDocumentSettings><o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml>
<style>body, table, td, p, h1, h2, h3, h4, a, li {{ font-family: Arial, sans-serif !important; }}</style>
<![endif]-->
<style>
:root {{ color-scheme: light dark; supported-color-schemes: light dark; }}
@media (max-width: 620px) {{
  .page {{ padding: 0 !important; }}
  .edge {{ padding: 28px 20px !important; border-radius: 0 !important; }}
  .column {{ max-width: 100% !important; padding-right: 0 !important; }}
}}
@media (prefers-color-scheme: dark) {{
  body, .page {{ background-color: #0f172a !important; }}
  .card {{ background-color: #1e293b !important; }}
  .words, .words * {{ color: #e2e8f0 !important; }}
  .words * {{ background-color: transparent !important; }}
  .words a {{ color: #a5b4fc !important; }}
  .words a.button, .words a.button * {{ background-color: #4f46e5 !important; color: #ffffff !important; }}
  .words .caption, .words .footer, .words .footer * {{ color: #94a3b8 !important; }}
  .words td, .words th, .words hr, .words .footer {{ border-color: #475569 !important; }}
  .words pre, .words pre * {{ background-color: #0f172a !important; }}
  .small, .small a {{ color: #94a3b8 !important; }}
}}
</style>
</head>
<body style="margin:0;padding:0;width:100%;background-color:#f1f5f9;-webkit-text-size-adjust:100%;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
<tr><td class="page" align="center" style="padding:32px 16px;background-color:#f1f5f9;">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;">
<tr><td class="card edge words" style="padding:40px;background-color:#ffffff;border-radius:12px;{_FONT};font-size:16px;\
line-height:26px;color:#1e293b;text-align:left;word-break:break-word;">
"""
_LANGUAGE_AT = _TOP.index("@")
_FOOTER = f"""
</td></tr>
<tr><td class="small" align="center" style="padding:20px;{_FONT};font-size:13px;line-height:20px;color:#64748b;">
@because
<a href="{{{{ unsubscribe_url }}}}" style="color:#64748b;text-decoration:underline;">@leave</a>"""
_END = """
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</table>
</body>
</html>
"""


def around(body: str, language: str = languages.ENGLISH) -> str:
    """A whole HTML mail around ``body``, which must be well formed and sanitised; ``language``: see ``languages``."""
    words = languages.of(language)
    return _top(words) + styled(body) + ("" if links.has_way_out(body) else _footer(words)) + _END


def _top(words: Words) -> str:
    return _TOP.replace("@", words.code, 1)


def _footer(words: Words) -> str:
    return _FOOTER.replace("@because", escape(words.because), 1).replace("@leave", escape(words.leave), 1)


def inside(source: str) -> str | None:
    """The body that ``around`` made ``source`` of, exactly; None where its look was changed since."""
    words = languages.of(source[_LANGUAGE_AT:].partition('"')[0])
    top = _top(words)
    end = source.rfind(_footer(words) + _END)
    end = end if end >= 0 else source.rfind(_END)
    if not source.startswith(top) or end < len(top):
        return None
    body = source[len(top) : end]
    for piece in (_MSO_BEFORE + '<span style="mso-text-raise:11px">', "</span>" + _MSO_AFTER):
        body = body.replace(piece, "")
    body = _undressed(_MSO_CELLS.sub("", body))
    return body if around(body, words.code) == source else None


def _undressed(body: str) -> str:
    """Without the styles that ``styled`` gives to each element."""

    def bare(match: re.Match[str]) -> str:
        tag, name = match[1], match[2]
        for width in ("", *(str(_INSIDE // count) for count in range(1, 9))):
            own = escape(_STYLES.get(tag, "") + _CLASSES.get(name or "", "").replace("{width}", width))
            if own and match[0].find(f' style="{own}') >= 0:
                kept = match[0].replace(f' style="{own}', ' style="', 1)
                return kept.replace(' style=""', "", 1)
        return match[0].replace(' style="margin:0;"', "", 1)

    return _OPENS.sub(bare, body)


def styled(body: str) -> str:
    """``body`` (well formed and sanitised) as mail programs need it: each element with its own style, buttons and
    columns also for Outlook."""
    reader = _Styled()
    reader.feed(body)
    reader.close()
    return "".join(reader.out)


class _Styled(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._open: list[tuple[str, str]] = []  # tag, class
        self._columns: list[tuple[int, int]] = []  # where columns began in ``out``, and how many there are

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("class", "")
        if tag == "p" and self._open and self._open[-1][1] == "caption":
            given["style"] = "margin:0;"
        elif style := _STYLES.get(tag, "") + _CLASSES.get(name, "") + given.get("style", ""):
            given["style"] = style
        if name == "column" and self._columns:
            self._next_column()
        self.out.append("<" + " ".join([tag, *(f'{name}="{escape(value)}"' for name, value in given.items())]) + ">")
        if tag not in _VOID:
            self._open.append((tag, name))
        if name == "columns":
            self._columns.append((len(self.out), 0))
        elif name == "button":
            self.out += [_MSO_BEFORE, '<span style="mso-text-raise:11px">']

    def _next_column(self) -> None:
        start, count = self._columns[-1]
        self.out.append(_MSO_NEXT if count else _MSO_COLUMNS)
        self._columns[-1] = start, count + 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        name = self._open.pop()[1] if self._open else ""
        if name == "button":
            self.out += ["</span>", _MSO_AFTER]
        elif name == "columns" and self._columns:
            self._end_columns()
        self.out.append(f"</{tag}>")

    def _end_columns(self) -> None:
        """The width of each is known when all have been seen."""
        start, count = self._columns.pop()
        if count:
            width = str(_INSIDE // count)
            self.out[start:] = [piece.replace("{width}", width) for piece in self.out[start:]]
            self.out.append(_MSO_COLUMNS_END)

    def handle_data(self, data: str) -> None:
        if self._columns and self._open and self._open[-1][1] == "columns" and not data.strip():
            return  # between columns: an inline block more would not fit
        self.out.append(escape(data, quote=False).replace("\xa0", "&nbsp;"))
