"""The button beside a searched table that exports what is shown."""

from urllib.parse import urlencode

from nicegui import ui


def show_export(button: ui.button, path: str, words: str, list_id: int | None = None, reason: str = "") -> None:
    """``button`` exports whom ``words`` find, of the list that is open or of one ``reason``, and says so."""
    search = words.strip()
    told = {"list": list_id, "q": search, "reason": reason}
    asked = urlencode({name: value for name, value in told.items() if value})
    button.props["href"] = f"{path}?{asked}".rstrip("?")
    button.set_text("Export found as CSV" if search or reason else "Export as CSV")
