"""Bytes in words."""


def weight(size: int) -> str:
    """``size`` bytes as people say it."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3)):,} KB"
