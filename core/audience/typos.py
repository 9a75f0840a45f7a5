"""Misspellings of the largest mail providers that turn up in real lists."""

_NAMES = {
    "gmial": "gmail", "gamil": "gmail", "gmai": "gmail", "gmal": "gmail", "gnail": "gmail", "gmaill": "gmail",
    "hotmial": "hotmail", "hotmal": "hotmail", "hotmai": "hotmail", "homail": "hotmail",
    "outlok": "outlook", "outloo": "outlook",
    "yaho": "yahoo", "yahooo": "yahoo", "yhaoo": "yahoo",
    "iclod": "icloud", "icoud": "icloud",
}  # fmt: skip
_RIGHT = set(_NAMES.values())
# Written for .com. Three of them are countries too; a hint in the preflight that is wrong there costs nobody a mail.
_ENDINGS = set("con cmo comm coom ccom ocm vom xom cpm clm cim c0m".split()) | {"co", "cm", "om"}


def meant(domain: str) -> str:
    """``hotmail.com`` for ``hotmial.com``, ``hotmail.con`` and ``hotmial.con``; empty where nothing looks mistyped."""
    name, _, ending = domain.partition(".")
    provider = _NAMES.get(name) or (name if name in _RIGHT else "")
    wrong = name != provider or ending != "com"
    return f"{provider}.com" if provider and wrong and (ending == "com" or ending in _ENDINGS) else ""
