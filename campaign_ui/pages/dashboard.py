"""Dashboard."""

from nicegui import ui

from campaign_ui import layout


def register() -> None:
    @ui.page("/")
    def page() -> None:
        with layout.frame("Dashboard", "/"):
            ui.label("")
