import pytest
from sqlmodel import Session, col, select

from core import campaigns, db
from core.errors import RuleError
from core.models import Contact, Sender, SenderState, Suppression
from tests.core.campaigns.rows import NOW, contact_list, id_of


def test_an_empty_draft_says_everything_that_is_missing(alice: int) -> None:
    with db.session() as session:
        campaign = campaigns.create(session, alice)
        campaigns.save_draft(session, alice, id_of(campaign), 1, sender_id=None, body="<div><br></div>")
        assert campaigns.problems(session, alice, id_of(campaign)) == [
            "The subject is empty.",
            "The body is empty.",
            "No sender is chosen.",
            "No recipients are chosen.",
        ]
        with pytest.raises(RuleError, match=r"The subject is empty\. The body is empty\."):
            campaigns.send_now(session, alice, id_of(campaign))


def test_a_sender_that_cannot_send_is_a_problem(alice: int, draft: int) -> None:
    for changes, sentence in [
        ({"deleted_at": NOW}, "was deleted"),
        ({"from_address": ""}, "no From address"),
        ({"state": SenderState.blocked}, "refused the sign-in"),
    ]:
        with db.session() as session:
            sender = session.exec(select(Sender)).one()
            before = {name: getattr(sender, name) for name in changes}
            for name, value in changes.items():
                setattr(sender, name, value)
            session.flush()
            (problem,) = campaigns.problems(session, alice, draft)
            assert sentence in problem
            for name, value in before.items():
                setattr(sender, name, value)


def test_a_list_without_anybody_to_write_to_is_a_problem(alice: int, draft: int) -> None:
    with db.session() as session:
        session.add(Suppression(user_id=alice, email="anna@example.org", reason="manual", created_at=NOW))
        session.flush()
        assert campaigns.problems(session, alice, draft) == ["Every recipient of the chosen lists is suppressed."]
        campaigns.set_lists(session, alice, draft, [contact_list(session, alice)])
        assert campaigns.problems(session, alice, draft) == ["The chosen lists have no recipients."]


def _warnings(session: Session, user_id: int, campaign_id: int, body: str, **fields: dict[str, str]) -> list[str]:
    """What is said about ``body`` when it goes to people with these ``fields`` (name -> fields)."""
    list_id = contact_list(session, user_id, *[f"{name}@example.org" for name in fields])
    for name, values in fields.items():
        session.exec(select(Contact).where(col(Contact.email) == f"{name}@example.org")).one().fields = values
    session.flush()
    campaigns.set_lists(session, user_id, campaign_id, [list_id])
    version = campaigns.get(session, user_id, campaign_id).version
    campaigns.save_draft(session, user_id, campaign_id, version, body=body + "{{ unsubscribe_url }}")
    return [finding.text for finding in campaigns.findings(session, user_id, campaign_id)]


def test_recipients_with_nothing_in_a_field_are_named(alice: int, draft: int) -> None:
    with db.session() as session:
        (said,) = _warnings(
            session, alice, draft, "Hi {{ first_name }}", a={"first_name": "A"}, b={}, c={"first_name": ""}
        )
        assert "2 of 3 recipients have nothing for {{ first_name }} (b@example.org, c@example.org)" in said
        assert '{{ first_name | default: "there" }}' in said
        (gap,) = campaigns.gaps(session, alice, draft)
        assert (gap.name, gap.empty_count, gap.recipients_count, gap.is_unknown) == ("first_name", 2, 3, False)


def test_a_field_with_a_default_is_no_hole_unless_nobody_has_it(alice: int, draft: int) -> None:
    with db.session() as session:
        body = 'Hi {{ first_name | default: "there" }} of {{ compny | default: "you" }}'
        (said,) = _warnings(session, alice, draft, body, a={"first_name": "A"}, b={})
        assert said == "No recipient has the field {{ compny }}: its default is shown in every mail."


def test_what_only_looks_like_a_field_is_said(alice: int, draft: int) -> None:
    with db.session() as session:
        (said,) = _warnings(session, alice, draft, "Hi {{ first name }}", a={})
        assert said == "{{ first name }} is not a merge field: recipients will read it as it stands."


def test_a_missing_way_out_a_silent_image_and_a_clipped_body_are_said(alice: int, draft: int) -> None:
    with db.session() as session:
        body = '<img src="https://example.com/a.png">' + "x" * 110_000
        campaigns.save_draft(session, alice, draft, 2, body=body, body_kind="html")
        said = [finding.text for finding in campaigns.findings(session, alice, draft)]
        assert [text.split(".")[0] for text in said] == [
            "The body has no unsubscribe link",
            "An image has no alternative text for readers who do not see it",
            "The body has 107 KB",
        ]
        assert campaigns.problems(session, alice, draft) == []


def test_content_that_no_mail_can_be_made_of_is_a_problem(alice: int, draft: int) -> None:
    with db.session() as session:
        sender = session.exec(select(Sender)).one()
        sender.from_address = "not an address"
        session.flush()
        assert campaigns.problems(session, alice, draft) == ["The address is not valid."]


def test_windows_that_never_meet_are_a_problem(alice: int, draft: int) -> None:
    office = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": "Asia/Kolkata"}
    with db.session() as session:
        sender = session.exec(select(Sender)).one()
        sender.sending_window = office
        version = campaigns.save_draft(session, alice, draft, 2, sending_window={**office, "days": [6]})
        [problem] = campaigns.problems(session, alice, draft)
        assert problem.startswith(f"Its sending window and that of {sender.name} never meet")
        campaigns.save_draft(session, alice, draft, version, sending_window={**office, "days": [2, 6]})
        assert campaigns.problems(session, alice, draft) == []
