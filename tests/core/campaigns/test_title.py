import pytest

from core import campaigns, db, stats
from core.errors import NotFound
from core.models import Campaign
from core.stats.report import report
from tests import rows
from tests.conftest import Stack

SUBJECT = 'Hi {{ first_name | default: "there" }}, {{ your_city }} calls'


@pytest.mark.parametrize(
    ("name", "subject", "title"),
    [
        ("News", SUBJECT, "News"),
        ("News {{ 1 }}", SUBJECT, "News {{ 1 }}"),
        (" ", SUBJECT, "Hi there, [your city] calls"),
        ("", " ", "Untitled campaign"),
    ],
)
def test_a_campaign_is_called_by_its_name_or_by_its_subject_without_merge_fields(
    name: str, subject: str, title: str
) -> None:
    assert campaigns.title(name, subject) == title


def test_a_campaign_is_called_and_its_subject_told_in_words_and_to_no_stranger(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        campaign_id = rows.campaign(session, alice, name="", subject=SUBJECT)
        campaign = session.get_one(Campaign, campaign_id)
        rows.message(session, campaign, "b@x.io", "sent", db.now(session), fields={"Your_City": "Pune"})
        rows.message(session, campaign, "c@x.io", "sent", db.now(session), fields={"first_name": "Cem"})
        assert report(session, alice, campaign_id, "UTC").subject == "Hi there, [your city] calls"
        with pytest.raises(NotFound):
            report(session, charlie, campaign_id, "UTC")
        titles = [stats.summary(session, alice, campaign_id).title]
        titles += [each.name for each in stats.find(session, alice, "calls")]
        assert titles == ["Hi there, [your city] calls"] * 2
