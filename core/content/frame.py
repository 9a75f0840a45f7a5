"""The frame that turns a rich draft into a mail: a 600 px column that shrinks on phones and fits dark mode."""

from html import escape
from html.parser import HTMLParser

from core.content import merge

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
}
_VOID = {"br", "hr", "img"}

_TOP = f"""<!doctype html>
<html lang="en" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
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
}}
@media (prefers-color-scheme: dark) {{
  body, .page {{ background-color: #0f172a !important; }}
  .card {{ background-color: #1e293b !important; }}
  .words, .words * {{ color: #e2e8f0 !important; }}
  .words * {{ background-color: transparent !important; }}
  .words a {{ color: #a5b4fc !important; }}
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
_FOOTER = f"""
</td></tr>
<tr><td class="small" align="center" style="padding:20px;{_FONT};font-size:13px;line-height:20px;color:#64748b;">
You receive this mail because you are on our list.
<a href="{{{{ unsubscribe_url }}}}" style="color:#64748b;text-decoration:underline;">Unsubscribe</a>"""
_END = """
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</table>
</body>
</html>
"""


def around(body: str) -> str:
    """A whole HTML mail around ``body``, which must be well formed and sanitised."""
    styled = _Styled()
    styled.feed(body)
    styled.close()
    has_way_out = "unsubscribe_url" in merge.fields_used(body)
    return _TOP + "".join(styled.out) + ("" if has_way_out else _FOOTER) + _END


class _Styled(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if style := _STYLES.get(tag, "") + given.get("style", ""):
            given["style"] = style
        self.out.append("<" + " ".join([tag, *(f'{name}="{escape(value)}"' for name, value in given.items())]) + ">")

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(escape(data, quote=False).replace("\xa0", "&nbsp;"))
