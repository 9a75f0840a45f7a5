"""Columns in which other programs keep records of their own: nothing that a mail would tell its reader."""

import re
from collections.abc import Iterable

# As ``columns.key`` makes them. These mean nothing else.
_RECORDS = set(
    """leid euid optintime optinip confirmtime confirmip gmtoff dstoff
    unsubtime unsubcampaigntitle unsubcampaignid unsubreason unsubreasonother
    cleantime cleancampaigntitle cleancampaignid emailblacklisted smsblacklisted
    klaviyoid emailmarketingconsent emailmarketingconsenttimestamp smsmarketingconsent smsmarketingconsenttimestamp
    """.split()
)
_MAILCHIMP = set("memberrating lastchanged latitude longitude notes".split())
# What people may name their own columns, too, is a record beside all of the first set only.
_BESIDE = [
    ({"leid"}, _MAILCHIMP),
    ({"euid"}, _MAILCHIMP),
    ({"uuid", "attributes", "status"}, set("id uuid attributes status createdat updatedat".split())),  # listmonk
    ({"emailblacklisted"}, set("contactid doubleoptin optin addedtime modifiedtime".split())),  # Brevo
    ({"email1value"}, set("labels groupmembership photo fileas".split())),  # Google Contacts
    ({"reason", "detail", "since"}, set("reason detail since source".split())),  # our suppression list
]
_KIND_OF_NUMBER = re.compile(
    r"(?:email|phone|address|website|event|relation|im|customfield)\d+(?:label|type)"
)  # Google


def records(keys: Iterable[str]) -> set[str]:
    """Which of a file's columns, by their ``columns.key``, are records of the program that wrote it."""
    all_keys = set(keys)
    known = _RECORDS.union(*(others for first, others in _BESIDE if first <= all_keys))
    return {key for key in all_keys if key in known or _KIND_OF_NUMBER.fullmatch(key)}
