from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from core import campaigns, db
from core.content import images
from core.delivery import senders
from core.delivery.replies import UNREACHED
from core.errors import RuleError
from core.models import ContactList, Image, Sender, SenderState, Suppression
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


def test_a_mail_with_merge_tags_of_another_program_does_not_go_out(alice: int, draft: int) -> None:
    with db.session() as session:
        campaign = campaigns.get(session, alice, draft)
        body = "<p>Dear *|FNAME|* from *|CITY|*,</p>{{ unsubscribe_url }}"
        campaigns.save_draft(session, alice, draft, campaign.version, body=body, body_kind="html")
        session.exec(select(ContactList)).one().fields = ["vorname", "city"]
    with db.session() as session:
        words = "*|FNAME|* and *|CITY|* are merge tags of Mailchimp; here they are {{ vorname }} and {{ city }}."
        assert campaigns.problems(session, alice, draft) == [words]
        assert campaigns.steps_missing(session, alice, draft) == {"content"}
        with pytest.raises(RuleError, match="merge tags of Mailchimp"):
            campaigns.send_now(session, alice, draft)


def test_a_sender_that_cannot_send_is_a_problem(alice: int, draft: int) -> None:
    for changes, sentence in [
        ({"deleted_at": NOW}, "was deleted"),
        ({"from_address": ""}, "no From address"),
        (
            {"state": SenderState.blocked, "state_kind": "auth"},
            "News is blocked. News refused the sign",
        ),
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


def test_a_sender_that_is_not_known_to_work_is_said_and_may_be_used(alice: int, draft: int) -> None:
    waits = {"state": SenderState.cooling, "cooling_until": NOW + timedelta(days=9_000)}
    unreached = {"state_rule": UNREACHED, "state_reply": "Nothing answers on port 587 of smtp.example.com."}
    for values, level, sentence in [
        (
            {"test_problem": None, "username": "anna"},
            "warning",
            "News was never tested with this account: test it first.",
        ),
        ({"test_problem": "It refused us."}, "serious", "The last test of News failed: It refused us. Sent now, "),
        (
            waits | {"test_problem": None, "state_kind": "quota_hour"},
            "warning",
            "limits how many mails you may send per hour",
        ),
        (waits | unreached, "serious", "Nothing answers on port 587 of smtp.example.com. Sent now, the mails wait"),
        (waits | {"state": SenderState.blocked, "state_kind": "auth", "test_problem": None}, "error", "is blocked."),
        (waits | {"test_problem": None, "is_sandbox": True}, "", ""),
        ({"test_problem": ""}, "", ""),
    ]:
        with db.session() as session:
            sender = session.exec(select(Sender)).one()
            before = sender.model_dump()
            sender.sqlmodel_update(values)
            session.flush()
            found = [each for each in campaigns.findings(session, alice, draft) if each.step == "senders"]
            assert [each.level for each in found] == ([level] if level else [])
            assert all(sentence in each.text and each.place == f"sender:{sender.id}" for each in found)
            assert bool(campaigns.problems(session, alice, draft)) == (level == "error")
            sender.sqlmodel_update(before)


def test_a_sender_that_was_saved_after_a_refusal_is_not_called_new(alice: int, draft: int) -> None:
    for kind, since in (("auth", "its sign-in"), ("sender_not_allowed", "its From address")):
        with db.session() as session:
            sender = session.exec(select(Sender)).one()
            kept = {"host": "smtp.example.com", "username": "anna", "state": SenderState.blocked, "state_kind": kind}
            sender.sqlmodel_update(kept)
        values = senders.Values("News", "smtp.example.com", username="anna", from_address="news@example.com")
        for per_hour in (100, 200):  # also when it is saved once more
            with db.session() as session:
                senders.save(session, alice, id_of(sender), replace(values, per_hour=per_hour))
        with db.reading() as session:
            [found] = [each for each in campaigns.findings(session, alice, draft) if each.step == "senders"]
        assert found.text.startswith(f"News was not tested since {since} was refused: test it first.")


def test_a_list_without_anybody_to_write_to_is_a_problem(alice: int, draft: int) -> None:
    with db.session() as session:
        session.add(Suppression(user_id=alice, email="anna@example.org", reason="manual", created_at=NOW))
        session.flush()
        assert campaigns.problems(session, alice, draft) == ["Every recipient of the chosen lists is suppressed."]
        campaigns.set_lists(session, alice, draft, [contact_list(session, alice)])
        assert campaigns.problems(session, alice, draft) == ["The chosen lists have no recipients."]


def test_what_blocks_and_what_warns_of_the_content_is_told_apart(alice: int, draft: int) -> None:
    with db.session() as session:
        body = '<a href="javascript:x">Buy</a><img src="https://a.in/a.png">' + "x " * 60_000
        campaigns.save_draft(session, alice, draft, 2, body=body, body_kind="html")
        found = campaigns.findings(session, alice, draft)
        assert [each.text.split(".")[0] for each in found if each.level == "error"] == [
            "The link javascript:x is unsafe: mail programs refuse javascript: links"
        ]
        assert [each.text.split(".")[0] for each in found if each.level == "warning"] == [
            "An image has no alternative text for readers who do not see it",
            "The body has no unsubscribe link",
            "The body has 117 KB",
        ]
        with pytest.raises(RuleError, match="javascript: links"):
            campaigns.send_now(session, alice, draft)


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


def test_images_of_ours_that_weigh_too_much_are_said(alice: int, draft: int) -> None:
    with db.session() as session:
        made = []
        for number in range(2):
            values = {"kind": "png", "width": 1, "height": 1, "size": 600_000, "digest": str(number), "created_at": NOW}
            image = Image(user_id=alice, **values)
            session.add(image)
            session.flush()
            made.append(images.path(image))
        for count, is_said in ((1, False), (2, True)):
            body = "".join(f'<img src="{path}" alt="">' for path in made[:count])
            version = campaigns.get(session, alice, draft).version
            campaigns.save_draft(session, alice, draft, version, body=body)
            found = [each.text for each in campaigns.findings(session, alice, draft)]
            assert any("weigh 1.2 MB" in text for text in found) is is_said
