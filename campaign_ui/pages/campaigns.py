"""Campaigns."""

from nicegui import ui

from campaign_ui import layout


def register() -> None:
    @ui.page("/campaigns")
    def page() -> None:
        with layout.frame("Campaigns", "/campaigns"):
            ui.label("")
