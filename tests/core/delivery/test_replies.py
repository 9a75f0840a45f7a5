"""Replies of real servers, the shapes they come in, and the promises: no wrong suppression, linear time, never raises."""

import time
from datetime import UTC, datetime

import pytest

from core.delivery import replies

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def kind(phase: str, code: int, text: str, enhanced: str = "") -> str:
    return replies.classify(phase, code, enhanced, text, AT).kind


@pytest.mark.parametrize(
    ("phase", "code", "text"),
    [
        ("rcpt", 550, "5.4.5 <x@y.z>: Recipient address rejected: Domain Sending Quota Exceeded"),
        ("rcpt", 550, "5.1.1 <x@y.z> - 203.0.113.222 has sent to too many recipients this hour. IB607"),
        ("rcpt", 550, "Domain x.com has exceeded the max emails per hour (123/100 (123%)) allowed. Message discarded."),
        ("dot", 554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; quota exceeded"),
        ("dot", 550, "5.4.5 Daily user sending limit exceeded."),
        ("dot", 550, "5.4.6 Unusual sending activity detected. Please try after sometime."),
        ("dot", 554, "5.7.0 The limit on the number of allowed outgoing messages was exceeded. Try again later."),
        ("rcpt", 550, "5.1.1 mailbox over its hourly sending limit, recipient rejected"),
        ("rcpt", 550, "5.1.1 <x@y.z>: user unknown? no: account daily send limit reached"),
    ],
)
def test_a_quota_of_the_account_that_looks_like_a_bad_mailbox_never_touches_the_recipient(
    phase: str, code: int, text: str
) -> None:
    assert kind(phase, code, text) in {"quota_hour", "quota_day", "throttle_rate"}
