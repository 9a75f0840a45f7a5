"""Files are attached to a draft, by its owner only, and stay what they are from then on."""

import pytest
from sqlmodel import Session, select

from core import campaigns, db
from core.campaigns import attachments
from core.content import attached
from core.content.gate import BadMail
from core.errors import NotFound, RuleError
from core.models import Campaign, CampaignAttachment
from tests import rows
from tests.conftest import Stack


@pytest.fixture
def draft(stack: Stack) -> tuple[int, int]:
    """(user, a draft of theirs)."""
    with db.session() as session:
        user_id = rows.user(session)
        return user_id, campaigns.create(session, user_id).id or 0


def _add(draft: tuple[int, int], name: str, data: bytes) -> int:
    with db.session() as session:
        return attachments.add(session, *draft, name, data)


def _names(session: Session, user_id: int, campaign_id: int) -> list[str]:
    return [file.name for _, file in attachments.listed(session, user_id, campaign_id)]


def test_files_are_kept_in_order_and_the_same_one_once(draft: tuple[int, int]) -> None:
    first, second = _add(draft, "b.pdf", b"one"), _add(draft, "a.pdf", b"two")
    assert _add(draft, "b.pdf", b"one") == first
    changed = _add(draft, "b.pdf", b"changed")
    with db.session() as session:
        assert _names(session, *draft) == ["b.pdf", "a.pdf", "b.pdf"]
        assert attachments.file(session, *draft, second)[1] == b"two"
        attachments.remove(session, *draft, first)
        assert [number for number, _ in attachments.listed(session, *draft)] == [second, changed]
        made = campaigns.content(session, campaigns.get(session, *draft))
        assert attachments.data(session, draft[1], made.attachments) == [b"two", b"changed"]
        attachments.remove(session, *draft, second)
        with pytest.raises(BadMail, match="changed meanwhile"):
            attachments.data(session, draft[1], made.attachments)


def test_too_much_and_too_many_are_refused_and_nothing_is_lost(draft: tuple[int, int]) -> None:
    half = b"x" * (attached.MOST_BYTES // 2)
    _add(draft, "one.pdf", half)
    _add(draft, "two.pdf", half)
    with pytest.raises(RuleError, match=r"three\.pdf was not attached\. A mail carries at most 5 MB"):
        _add(draft, "three.pdf", b"x")
    with db.session() as session:
        for number, _ in attachments.listed(session, *draft):
            attachments.remove(session, *draft, number)
    for number in range(attached.MOST):
        _add(draft, f"{number}.pdf", b"x")
    with pytest.raises(RuleError, match="at most 10 files"):
        _add(draft, "more.pdf", b"x")
    with db.reading() as session:
        assert len(_names(session, *draft)) == attached.MOST


def test_a_stranger_sees_adds_and_removes_nothing(draft: tuple[int, int]) -> None:
    number = _add(draft, "a.pdf", b"one")
    with db.session() as session:
        stranger, other = rows.user(session, "eve@example.com"), 0
        other = campaigns.create(session, stranger).id or 0
    for user_id, campaign_id in ((stranger, draft[1]), (stranger, other)):
        with db.session() as session:
            for call in (attachments.file, attachments.remove):
                with pytest.raises(NotFound):
                    call(session, user_id, campaign_id, number)
    with db.session() as session:
        with pytest.raises(NotFound):
            attachments.listed(session, stranger, draft[1])
        with pytest.raises(NotFound):
            attachments.add(session, stranger, draft[1], "b.pdf", b"x")
        with pytest.raises(NotFound):
            attachments.file(session, *draft, 1 << 40)
        assert _names(session, *draft) == ["a.pdf"]


def test_what_is_no_draft_any_more_keeps_its_files_and_its_copy_has_them(draft: tuple[int, int]) -> None:
    number = _add(draft, "a.pdf", b"one")
    _add(draft, "b.pdf", b"two")
    with db.session() as session:
        session.get_one(Campaign, draft[1]).status = "scheduled"
    with db.session() as session:
        with pytest.raises(campaigns.NotADraft, match="is scheduled, and its attachments stay"):
            attachments.add(session, *draft, "c.pdf", b"x")
        with pytest.raises(campaigns.NotADraft):
            attachments.remove(session, *draft, number)
        copy = campaigns.duplicate(session, *draft).id or 0
        assert _names(session, draft[0], copy) == ["a.pdf", "b.pdf"]
        made = campaigns.content(session, campaigns.get(session, draft[0], copy))
        assert attachments.data(session, copy, made.attachments) == [b"one", b"two"]


def test_the_files_go_with_their_campaign_and_a_draft_with_one_is_no_untouched_one(draft: tuple[int, int]) -> None:
    _add(draft, "a.pdf", b"one")
    with db.session() as session:
        assert [each.id for each in campaigns.list_all(session, draft[0])] == [draft[1]]
        session.delete(session.get_one(Campaign, draft[1]))
    with db.reading() as session:
        assert session.exec(select(CampaignAttachment.id)).all() == []


def test_preflight_asks_for_a_file_that_was_forgotten_and_minds_a_heavy_one(draft: tuple[int, int]) -> None:
    def said(body: str) -> list[str]:
        with db.session() as session:
            version = campaigns.get(session, *draft).version
            campaigns.save_draft(session, *draft, version, body=body, subject="News")
            found = campaigns.findings(session, *draft)
            return [each.text for each in found if each.place == "attachments"]

    assert said("<p>Please find the agenda attached.</p>") == [
        "The body says “agenda attached”, and no file is attached."
    ]
    assert len(said("<p>Das Programm ist im Anhang.</p>")) == 1
    assert said("<p>We are attached to our garden, the attached house is for sale.</p>") == []
    _add(draft, "agenda.pdf", b"x")
    assert said("<p>Please find the agenda attached.</p>") == []
    _add(draft, "film.mp4", b"x" * 2_000_000)
    [heavy] = said("<p>Hello</p>")
    assert heavy.startswith("The attachments weigh 2.0 MB, in every mail")
