"""How large a mail is for the mail programs that cut it."""

from core.campaigns.findings import Finding, warning

# Gmail cuts a longer HTML part off ("Message clipped") and hides what follows, the unsubscribe link and the pixel too:
# https://github.com/hteumeuleu/email-bugs/issues/41
CLIPPED_ABOVE = 102 * 1024
HEAVY = 1_000_000  # bytes of all images: seconds on a phone


def heavy_images(weight: int) -> list[Finding]:
    """``weight``: bytes of all images of a mail together."""
    if weight <= HEAVY:
        return []
    words = f"The images weigh {weight / 1_000_000:,.1f} MB: on a phone they take seconds. Keep them below 1 MB."
    return [warning(words)]


def findings(source: str) -> list[Finding]:
    """``source``: the HTML part of a mail."""
    size = len(source.encode("utf-8", "replace"))
    if size <= CLIPPED_ABOVE:
        return []
    return [warning(f"The body has {size // 1024:,} KB. Gmail hides what comes after the first 102 KB.")]
