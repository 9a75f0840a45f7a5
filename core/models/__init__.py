"""The tables. Plain data: rules live in the modules beside and above."""

from core.models.audience import Contact, ContactList, ListMember, Suppression, SuppressionReason
from core.models.campaign import (
    GONE_AFTER,
    UNDO_FOR,
    Activity,
    BodyKind,
    Campaign,
    CampaignLink,
    CampaignList,
    CampaignSample,
    CampaignSender,
    CampaignStatus,
    DraftVersion,
    LinkClick,
    PauseReason,
    Reading,
    RefusingDomain,
    Template,
)
from core.models.image import Image
from core.models.message import NOT_TRIED, Attempt, Message, MessageState, SandboxMail
from core.models.people import AccountLink, LoginFailure, LoginSession, Meta, User
from core.models.sandbox import FirstSteps, Sample, SandboxSetting
from core.models.sender import BounceMailbox, DkimKey, DomainPace, Security, Sender, SenderState, SenderUsage
from core.models.worker import Worker

__all__ = [
    "GONE_AFTER",
    "NOT_TRIED",
    "UNDO_FOR",
    "AccountLink",
    "Activity",
    "Attempt",
    "BodyKind",
    "BounceMailbox",
    "Campaign",
    "CampaignLink",
    "CampaignList",
    "CampaignSample",
    "CampaignSender",
    "CampaignStatus",
    "Contact",
    "ContactList",
    "DkimKey",
    "DomainPace",
    "DraftVersion",
    "FirstSteps",
    "Image",
    "LinkClick",
    "ListMember",
    "LoginFailure",
    "LoginSession",
    "Message",
    "MessageState",
    "Meta",
    "PauseReason",
    "Reading",
    "RefusingDomain",
    "Sample",
    "SandboxMail",
    "SandboxSetting",
    "Security",
    "Sender",
    "SenderState",
    "SenderUsage",
    "Suppression",
    "SuppressionReason",
    "Template",
    "User",
    "Worker",
]
