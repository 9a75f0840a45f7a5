from datetime import timedelta

import pytest
from sqlmodel import select

from core import campaigns, db
from core.campaigns import versions
from core.errors import NotFound
from core.models import Campaign, CampaignStatus, DraftVersion
from tests.core.campaigns.rows import id_of, read, user


def _save(user_id: int, draft: int, minutes: float = 0, **changes: str) -> None:
    db.clock_offset += timedelta(minutes=minutes)
    with db.session() as session:
        campaigns.save_draft(session, user_id, draft, read(draft).version, **changes)


def _empty(user_id: int) -> int:
    with db.session() as session:
        return id_of(campaigns.create(session, user_id))


def _bodies(user_id: int, draft: int) -> list[str]:
    with db.reading() as session:
        return [each.body for each in versions.list_all(session, user_id, draft)]


def test_while_somebody_types_a_version_is_kept_every_two_minutes(alice: int, draft: int) -> None:
    first = read(draft).body
    for number in range(4):
        _save(alice, draft, body=f"<p>{number}</p>")
    assert _bodies(alice, draft) == [first]
    _save(alice, draft, 2.1, body="<p>4</p>")
    assert _bodies(alice, draft) == ["<p>3</p>", first]
    _save(alice, draft, 5, name="Another name")  # no content
    assert _bodies(alice, draft) == ["<p>3</p>", first]


def test_before_something_takes_its_place_the_content_is_kept_with_the_reason(alice: int, draft: int) -> None:
    _save(alice, draft, subject="S", preheader="P", body="# x", body_kind="markdown")
    for _ in range(2):  # the second time it is the same: once is enough
        with db.session() as session:
            versions.keep(session, alice, draft, "Before the template Newsletter")
    with db.reading() as session:
        [kept, _] = versions.list_all(session, alice, draft)
        assert versions.get(session, alice, draft, kept.id or 0).body == "# x"
    assert (kept.subject, kept.preheader, kept.body, kept.body_kind) == ("S", "P", "# x", "markdown")
    assert kept.reason == "Before the template Newsletter" and kept.saved_at <= kept.kept_at


def test_the_last_thirty_are_kept_of_each_draft(alice: int, draft: int) -> None:
    other = _empty(alice)
    _save(alice, other, body="<p>other</p>")
    _save(alice, other, 3, body="<p>other 2</p>")
    for number in range(35):
        _save(alice, draft, 3, body=f"<p>{number}</p>")
    kept = _bodies(alice, draft)
    assert len(kept) == versions.MOST == 30 and kept[0] == "<p>33</p>" and kept[-1] == "<p>4</p>"
    assert _bodies(alice, other) == ["<p>other</p>"]


def test_a_save_that_another_tab_overtook_keeps_no_version(alice: int, draft: int) -> None:
    with pytest.raises(campaigns.EditedElsewhere), db.session() as session:
        campaigns.save_draft(session, alice, draft, 1, body="<p>late</p>")
    assert _bodies(alice, draft) == []


def test_what_another_tab_kept_from_being_saved_is_kept_once(alice: int, draft: int) -> None:
    mine = {"subject": "Mine", "preheader": "", "body": "<p>mine</p>", "body_kind": "rich"}
    empty, same = dict.fromkeys(mine, ""), {name: getattr(read(draft), name) for name in versions.CONTENT}
    for typed in (mine, mine, empty, same):
        with db.session() as session:
            versions.keep_typed(session, alice, draft, typed, "Typed elsewhere")
    with db.reading() as session:
        [kept] = versions.list_all(session, alice, draft)
    assert {name: getattr(kept, name) for name in mine} == mine and kept.reason == "Typed elsewhere"
    assert read(draft).subject != "Mine" and kept.saved_at == kept.kept_at


def test_what_is_kept_again_of_the_same_tab_takes_the_place_of_what_was(alice: int, draft: int) -> None:
    typed = {"subject": "Mine", "preheader": "", "body": "<p>1</p>", "body_kind": "rich"}
    with db.session() as session:
        bob = user(session, "bob@example.com")
        first = versions.keep_typed(session, alice, draft, typed, "Typed")
        assert versions.keep_typed(session, alice, draft, typed, "Typed", first) == first
        assert versions.keep_typed(session, bob, draft, {**typed, "body": "<p>Bob's</p>"}, "Typed", first) == first
        assert [each.body for each in versions.list_all(session, alice, draft)] == ["<p>1</p>"]
        second = versions.keep_typed(session, alice, draft, {**typed, "body": "<p>2</p>"}, "Typed", first)
        versions.keep(session, alice, draft, "Before the template Newsletter")
        assert second != first
        versions.keep_typed(session, alice, draft, {**typed, "body": "<p>3</p>"}, "Typed", second)
    assert _bodies(alice, draft) == ["<p>3</p>", "<p>Hi</p>"]


def test_what_is_typed_is_kept_of_a_scheduled_campaign_and_of_none_that_goes_out(alice: int, draft: int) -> None:
    typed = {"subject": "Mine", "preheader": "", "body": "<p>mine</p>", "body_kind": "rich"}
    for status in (CampaignStatus.sending, CampaignStatus.sent, CampaignStatus.scheduled):
        with db.session() as session:
            session.get_one(Campaign, draft).status = status
            session.flush()
            made = versions.keep_typed(session, alice, draft, typed, "Typed")
            versions.keep(session, alice, draft, "Before the template Newsletter")
        assert (made is not None) == (status == CampaignStatus.scheduled)
    assert _bodies(alice, draft) == ["<p>mine</p>"]


def test_a_stranger_sees_and_keeps_none_of_it(alice: int, draft: int) -> None:
    with db.session() as session:
        bob = user(session, "bob@example.com")
    _save(alice, draft, body="<p>x</p>")
    with db.session() as session:
        versions.keep(session, bob, draft, "mine")
        typed = {"subject": "Bob's", "preheader": "", "body": "<p>Bob's</p>", "body_kind": "rich"}
        versions.keep_typed(session, bob, draft, typed, "mine")
        assert versions.list_all(session, bob, draft) == []
        [kept] = versions.list_all(session, alice, draft)
        with pytest.raises(NotFound):
            versions.get(session, bob, draft, kept.id or 0)
        with pytest.raises(NotFound):
            versions.get(session, alice, draft, 999)


def test_an_empty_draft_has_no_versions_and_they_go_with_the_campaign(alice: int) -> None:
    empty = _empty(alice)
    _save(alice, empty, subject="S")
    assert _bodies(alice, empty) == []
    _save(alice, empty, 3, subject="T")
    assert len(_bodies(alice, empty)) == 1
    with db.session() as session:
        session.delete(read(empty))
    with db.reading() as session:
        assert session.exec(select(DraftVersion)).all() == []


def test_a_stranger_keeps_and_forgets_nothing(alice: int, draft: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        _save(alice, draft, 3, body=f"<p>{number}</p>")
    before = _bodies(alice, draft)
    monkeypatch.setattr(versions, "MOST", 1)
    with db.session() as session:
        charlie = user(session, "charlie@example.com")
        versions.keep(session, charlie, draft, "mine")
        versions.keep_now_and_then(session, charlie, draft, read(draft).version)
    assert _bodies(alice, draft) == before and len(before) == 2
