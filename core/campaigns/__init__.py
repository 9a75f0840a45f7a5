"""Campaigns: the draft people edit, what stands in its way, and its way from draft to sent."""

from core.campaigns.again import Chunk, retry_failed, settle_unknown, try_again_now
from core.campaigns.checks import findings, problems, steps_missing
from core.campaigns.content import content
from core.campaigns.drafts import (
    EditedElsewhere,
    NotADraft,
    begin,
    create,
    delete,
    duplicate,
    get,
    left_out_ids,
    list_all,
    list_ids,
    restore,
    save_draft,
    set_lists,
)
from core.campaigns.example import example
from core.campaigns.findings import Finding, Level
from core.campaigns.forecast import Forecast, Point
from core.campaigns.handover import Rest, change_back, change_sender, rest, sender_of, sent_by, tried_by
from core.campaigns.hours import set_hours
from core.campaigns.outlook import Outlook, outlook
from core.campaigns.preflight.identity import asked_of_dns
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
from core.campaigns.title import title

__all__ = [
    "Chunk",
    "EditedElsewhere",
    "Finding",
    "Forecast",
    "InThePast",
    "Level",
    "NotADraft",
    "Outlook",
    "Point",
    "Rest",
    "TestResult",
    "asked_of_dns",
    "begin",
    "cancel",
    "change_back",
    "change_sender",
    "content",
    "create",
    "delete",
    "duplicate",
    "example",
    "findings",
    "finish_done",
    "get",
    "left_out_ids",
    "list_all",
    "list_ids",
    "outlook",
    "pause",
    "pause_for",
    "problems",
    "rest",
    "restore",
    "resume",
    "retry_failed",
    "save_draft",
    "schedule",
    "send_now",
    "send_test",
    "sender_of",
    "sent_by",
    "set_hours",
    "set_lists",
    "settle_unknown",
    "start_due",
    "steps_missing",
    "title",
    "tried_by",
    "try_again_now",
    "unschedule",
]
