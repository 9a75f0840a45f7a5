"""Where in a mail's HTML the hidden preheader and the pixel go, whatever its comments say."""

import re

# Bounded and possessive, so that no input takes more than linear time.
_COMMENT = re.compile(r"<!--(?:(?!-->).)*+(?:-->)?", re.DOTALL)
_BODY = re.compile(r"""<body(?=[\s>])(?:[^>"']|"[^"]{0,1000}"|'[^']{0,1000}'){0,1000}+>""", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_BEFORE_BODY = re.compile(r"</head\s*>|<html(?=[\s>])[^>]{0,1000}+>|<!doctype[^>]{0,1000}+>", re.IGNORECASE)


def insert(source: str, at: int, piece: str) -> str:
    """``source`` with ``piece`` at a position."""
    return source[:at] + piece + source[at:]


def hide_comments(source: str) -> str:
    """``source`` with its comments blanked, so that a position in it is one in the original."""
    return _COMMENT.sub(lambda match: " " * len(match[0]), source)


def comments(source: str) -> list[str]:
    """What stands in the comments of ``source``."""
    return [match[0].removeprefix("<!--").removesuffix("-->") for match in _COMMENT.finditer(source)]


def body_start(source: str) -> int:
    """Where the first thing that a reader sees may be put."""
    seen = hide_comments(source)
    if found := _BODY.search(seen):
        return found.end()
    return max((match.end() for match in _BEFORE_BODY.finditer(seen)), default=0)


def body_end(source: str) -> int:
    """Where the last thing of the body may be put."""
    ends = [match.start() for match in _BODY_END.finditer(hide_comments(source))]
    return ends[-1] if ends else len(source)
