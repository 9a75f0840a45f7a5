"""Colours that somebody chose, told from those that programs write on all of their words."""

import re

_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*(?:[,/]\s*([\d.]+%?)\s*)?\)")
_HEX = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b")
_NOBODYS = {"", "auto", "currentcolor", "inherit", "initial", "none", "transparent", "unset", "window", "windowtext"}
_NAMED = {"black": (0, 0, 0), "white": (255, 255, 255)}
_DARK, _PALE, _WHITE = 64, 230, 240  # of 255, the parts of what is taken for black, pale and white


def of(style: dict[str, str]) -> dict[str, str]:
    """The colour and background that were chosen, as CSS; white words only on a background of their own."""
    ground = _colour(style.get("background-color") or style.get("background", ""))
    ink = _colour(style.get("color", ""))
    found = {}
    if ink and not _is_dark(ink) and not (_is_over(ink, _PALE) and not _is_chosen(ground)):
        found["color"] = ink
    if _is_chosen(ground):
        found["background-color"] = ground
    return found


def _is_chosen(ground: str) -> bool:
    return bool(ground) and not _is_dark(ground) and not _is_over(ground, _WHITE)


def _colour(value: str) -> str:
    """The colour in a value; none where it is nobody's choice."""
    value = value.strip().lower()
    if found := _RGB.search(value):
        return "" if found[4] and not found[4].strip("0.%") else f"rgb({found[1]},{found[2]},{found[3]})"
    if found := _HEX.search(value):
        return found[0]
    return value if value.isascii() and value.isalpha() and value not in _NOBODYS else ""


def _parts(colour: str) -> tuple[int, ...] | None:
    if found := _RGB.match(colour):
        return tuple(int(part) for part in found.groups()[:3])
    if not colour.startswith("#"):
        return _NAMED.get(colour)
    digits = colour[1:] if len(colour) == 7 else "".join(char * 2 for char in colour[1:])
    return tuple(int(digits[at : at + 2], 16) for at in (0, 2, 4))


def _is_dark(colour: str) -> bool:
    parts = _parts(colour)
    return parts is not None and max(parts) <= _DARK


def _is_over(colour: str, least: int) -> bool:
    parts = _parts(colour)
    return parts is not None and min(parts) >= least
