"""The button beside a searched table that exports what is shown."""

from urllib.parse import urlencode

from nicegui import ui


def show_export(button: ui.button, path: str, words: str, list_id: int | None = None) -> None:
    """``button`` exports whom ``words`` find, of the list that is open, and says so."""
    search = words.strip()
    asked = urlencode({name: value for name, value in (("list", list_id), ("q", search)) if value})
    button.props["href"] = f"{path}?{asked}".rstrip("?")
    button.set_text("Export found as CSV" if search else "Export as CSV")
