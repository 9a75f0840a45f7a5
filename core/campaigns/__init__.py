"""Campaigns: the draft people edit, what stands in its way, and its way from draft to sent."""

from core.campaigns.advice import Gap, gaps
from core.campaigns.again import Chunk, retry_failed, settle_unknown
from core.campaigns.checks import findings, problems, steps_missing
from core.campaigns.content import content
from core.campaigns.drafts import (
    EditedElsewhere,
    NotADraft,
    create,
    delete,
    duplicate,
    get,
    list_all,
    list_ids,
    save_draft,
    set_lists,
)
from core.campaigns.findings import Finding, Level
from core.campaigns.forecast import Forecast
from core.campaigns.hours import set_hours
from core.campaigns.outlook import Outlook, outlook
from core.campaigns.states import (
    InThePast,
    cancel,
    finish_done,
    pause,
    pause_for,
    resume,
    schedule,
    send_now,
    start_due,
    unschedule,
)
from core.campaigns.testmail import TestResult, send_test

__all__ = [
    "Chunk",
    "EditedElsewhere",
    "Finding",
    "Forecast",
    "Gap",
    "InThePast",
    "Level",
    "NotADraft",
    "Outlook",
    "TestResult",
    "cancel",
    "content",
    "create",
    "delete",
    "duplicate",
    "findings",
    "finish_done",
    "gaps",
    "get",
    "list_all",
    "list_ids",
    "outlook",
    "pause",
    "pause_for",
    "problems",
    "resume",
    "retry_failed",
    "save_draft",
    "schedule",
    "send_now",
    "send_test",
    "set_hours",
    "set_lists",
    "settle_unknown",
    "start_due",
    "steps_missing",
    "unschedule",
]
