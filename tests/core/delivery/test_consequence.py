from core.delivery.consequence import cooldown, of_refusal
from core.delivery.replies import KINDS, Verdict


def verdict(kind: str, wait: float | None = None) -> Verdict:
    return Verdict(kind, wait, "rule", "")


def test_every_kind_has_its_consequence() -> None:
    states = {kind: of_refusal(verdict(kind), 0).state for kind in KINDS}
    waits = {
        "throttle_rate", "throttle_connections", "quota_hour", "quota_day", "auth", "auth_temporary",
        "sender_not_allowed", "greylist", "temporary", "recipient_rate", "recipient_full",
    }  # fmt: skip
    assert {kind for kind, state in states.items() if state == "pending"} == waits
    assert {kind for kind, state in states.items() if state == "failed"} == KINDS - waits


def test_only_a_dead_mailbox_is_suppressed() -> None:
    assert {kind for kind in KINDS if of_refusal(verdict(kind), 0).bounced} == {"bad_recipient"}


def test_what_blames_the_account_counts_against_no_mail() -> None:
    for kind in ("throttle_rate", "quota_day", "auth", "auth_temporary", "sender_not_allowed"):
        assert not of_refusal(verdict(kind), 9).counts


def test_a_mail_is_tried_again_later_and_later_and_ends() -> None:
    waits = [of_refusal(verdict("greylist"), attempts).retry_after for attempts in range(9)]
    assert waits == [300, 900, 1800, 3600, 3600, 3600, 3600, 3600, 3600]
    assert of_refusal(verdict("greylist"), 9).state == "failed"


def test_a_wait_that_the_server_names_is_obeyed() -> None:
    assert of_refusal(verdict("greylist", 60), 3).retry_after == 60
    assert cooldown(verdict("quota_hour", 1234), 2) == 1234
    assert [cooldown(verdict("throttle_rate"), step) for step in range(4)] == [30, 60, 3600, 3600]
    assert cooldown(verdict("auth_temporary"), 0) == 900
