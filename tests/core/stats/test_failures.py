from core import db, stats
from core.models import Campaign
from core.stats.failures import wordings
from tests import rows
from tests.conftest import Stack

UNKNOWN = {"kind": "bad_recipient", "rule_id": "no-such-mailbox", "reply_code": 550}


def test_failures_are_grouped_by_what_was_meant_with_words_and_advice(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        campaign_id = rows.campaign(session, alice)
        campaign, now = session.get_one(Campaign, campaign_id), db.now(session)
        for number in range(3):
            words = f"5.1.1 <p{number}@x.io>: User unknown"
            rows.message(session, campaign, f"p{number}@x.io", "failed", now, reply=words, **UNKNOWN)
        rows.message(session, campaign, "q@x.io", "failed", now, reply="5.1.1 No such user here", **UNKNOWN)
        rows.message(session, campaign, "r@x.io", "failed", now, kind="policy", rule_id="x", reply="5.7.1 Blocked")
        rows.message(session, campaign, "s@x.io", "failed", now, kind="permanent", rule_id="bad_mail", reply="a field")
        unknown, *others = stats.failures(session, alice, campaign_id)
    assert (unknown.count, unknown.explanation) == (4, "This mailbox does not exist. We do not mail it again.")
    assert unknown.replies == (("550 5.1.1 …: User unknown", 3), ("550 5.1.1 No such user here", 1))
    assert "suppression list" in unknown.advice and (unknown.where, others[0].where) == ("All at x.io.", "")
    assert {failure.rule_id: failure.replies[0][0] for failure in others} == {
        "x": "5.7.1 Blocked",
        "bad_mail": "a field",
    }
    assert "merge fields" in next(failure.advice for failure in others if failure.rule_id == "bad_mail")


def test_words_are_alike_but_for_what_names_one_mail() -> None:
    said = [
        (550, "5.1.1 does not exist d9443c01a7336-2980 - gsmtp"),
        (550, "5.1.1 does not exist 42be8c8e77-19 - gsmtp"),
        (None, "550 5.7.1 [203.0.113.7] blocked"),
    ]
    assert wordings(said) == (("550 5.1.1 does not exist … - gsmtp", 2), ("550 5.7.1 [203.0.113.7] blocked", 1))
