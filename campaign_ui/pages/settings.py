"""Settings."""

from nicegui import ui

from campaign_ui import layout


def register() -> None:
    @ui.page("/settings")
    def page() -> None:
        with layout.frame("Settings", "/settings"):
            ui.label("")
