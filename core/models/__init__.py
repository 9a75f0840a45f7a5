"""The tables. Plain data: rules live in the modules beside and above."""

from core.models.audience import Contact, ContactList, ListMember, Suppression, SuppressionReason
from core.models.campaign import (
    Activity,
    BodyKind,
    Campaign,
    CampaignLink,
    CampaignList,
    CampaignStatus,
    PauseReason,
    Template,
)
from core.models.message import Attempt, Message, MessageState, SandboxMail
from core.models.people import LoginFailure, LoginSession, Meta, User
from core.models.sender import DkimKey, DomainPace, Security, Sender, SenderState, SenderUsage

__all__ = [
    "Activity",
    "Attempt",
    "BodyKind",
    "Campaign",
    "CampaignLink",
    "CampaignList",
    "CampaignStatus",
    "Contact",
    "ContactList",
    "DkimKey",
    "DomainPace",
    "ListMember",
    "LoginFailure",
    "LoginSession",
    "Message",
    "MessageState",
    "Meta",
    "PauseReason",
    "SandboxMail",
    "Security",
    "Sender",
    "SenderState",
    "SenderUsage",
    "Suppression",
    "SuppressionReason",
    "Template",
    "User",
]
