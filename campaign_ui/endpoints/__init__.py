"""What is asked for by plain HTTP, outside NiceGUI."""

from fastapi import FastAPI

from campaign_ui.endpoints import account, health, recipients, tracking, unsubscribe

MODULES = (account, health, recipients, tracking, unsubscribe)


def register(app: FastAPI) -> None:
    for module in MODULES:
        module.register(app)
