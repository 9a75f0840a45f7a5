"""Pure: how mail programs show a mail's HTML, as far as a browser can imitate them.

Dark: Apple Mail, Outlook for Mac and Thunderbird follow the mail's own dark design (prefers-color-scheme) and leave a
mail without one as it is. Forced dark: Gmail's and Outlook's apps change the colours themselves, each in its own way;
turning them over is the nearest that can be shown here, and the page says that it is an imitation.
"""

import re

LIGHT, DARK, FORCED = "light", "dark", "forced"

_STYLE = re.compile(r"(<style(?=[\s>])[^>]{0,1000}+>)((?:(?!</style).)*+)", re.IGNORECASE | re.DOTALL)
_MEDIA = re.compile(r"""(\smedia\s*+=\s*+)("[^"<>]{0,500}+"|'[^'<>]{0,500}+')""", re.IGNORECASE)
_PREFERS = re.compile(r"prefers-color-scheme\s*+:\s*+(dark|light)", re.IGNORECASE)
_DECLARES = re.compile(
    r"""prefers-color-scheme\s*+:\s*+dark|color-scheme["'\s]*+[:\s][^;}>]{0,80}?\bdark\b""", re.IGNORECASE
)
_TURNED = "html{background:#fff!important}img,video,picture,svg,[background]{filter:invert(1) hue-rotate(180deg)}"


def skeleton(images: bool) -> str:
    """An empty document that lets nothing in but styles, fonts and (with ``images``) pictures; it inherits the page's
    own policy too, and this one holds wherever it is shown."""
    pictures = "http: https: data:" if images else "'none'"
    fonts = "font-src https: data:" if images else "font-src 'none'"
    policy = f"default-src 'none'; img-src {pictures}; style-src 'unsafe-inline'; {fonts}"
    return (
        f'<!doctype html><meta data-keep http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta data-keep name="referrer" content="no-referrer"><base data-keep target="_blank">'
    )


def seen(source: str, theme: str) -> str:
    """``source`` as a mail program in ``theme`` (LIGHT, DARK, FORCED) shows it, whatever this browser prefers."""
    chosen = _with_preference(source, "dark" if theme == DARK else "light")
    scheme = "dark" if theme == DARK and has_dark_design(source) else "light"
    style = f":root{{color-scheme:{scheme}!important}}" + (_TURNED if theme == FORCED else "")
    return f"{chosen}<style>{style}</style>"


def has_dark_design(source: str) -> bool:
    """Whether the mail says how it looks in the dark."""
    return any(_DECLARES.search(match[2]) for match in _STYLE.finditer(source)) or bool(
        re.search(r"""<meta\s[^<>]{0,300}?color-scheme[^<>]{0,300}?\bdark\b""", source, re.IGNORECASE)
    )


def _with_preference(source: str, preferred: str) -> str:
    """Its questions for light or dark answered: always true or never."""

    def answer(match: re.Match[str]) -> str:
        return "min-width:0px" if match[1].lower() == preferred else "max-width:0px"

    source = _STYLE.sub(lambda match: match[1] + _PREFERS.sub(answer, match[2]), source)
    return _MEDIA.sub(lambda match: match[1] + _PREFERS.sub(answer, match[2]), source)
