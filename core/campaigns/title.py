"""What to call a campaign, wherever it is told."""

from core.content import merge


def title(name: str, subject: str, nothing: str = "Untitled campaign") -> str:
    """Its name, else its subject as somebody without data reads it, else ``nothing``."""
    return name.strip() or merge.in_words(subject).strip() or nothing
