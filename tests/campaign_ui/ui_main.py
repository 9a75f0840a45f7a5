"""Entry point for NiceGUI's User fixture: the pages and their middleware as in the product, without the outer app."""

from nicegui import ui

from campaign_ui.app import register_pages

register_pages()
ui.run(reload=False, show=False, language="en-US", binding_refresh_interval=None)
