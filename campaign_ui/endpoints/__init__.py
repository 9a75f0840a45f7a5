"""What is asked for by plain HTTP, outside NiceGUI."""

from fastapi import FastAPI

from campaign_ui.endpoints import (
    account,
    attachments,
    audience,
    health,
    images,
    metrics,
    palette,
    recipients,
    report,
    sandbox,
    templates,
    tracking,
    unsubscribe,
    view,
    welcome,
)

MODULES = (
    account,
    attachments,
    audience,
    health,
    images,
    metrics,
    palette,
    recipients,
    report,
    sandbox,
    templates,
    tracking,
    unsubscribe,
    view,
    welcome,
)


def register(app: FastAPI) -> None:
    for module in MODULES:
        module.register(app)
