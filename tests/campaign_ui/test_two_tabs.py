"""One draft in two tabs: what the tab that came late has typed is in the version history, and older versions stay."""

from datetime import timedelta

import pytest
from nicegui.testing import User as Browser

from campaign_ui.parts.compose_draft import Draft
from core import campaigns, db
from core.campaigns import versions
from core.models import DraftVersion
from tests import rows
from tests.campaign_ui.conftest import SignIn
from tests.core.campaigns.rows import read, ready_draft


def _tab(user_id: int) -> Draft:
    """A tab that shows a new draft with nothing missing."""
    with db.session() as session:
        rows.sender(session, user_id)
        made = ready_draft(session, user_id)
    return Draft(user_id, "UTC", read(made))


def _save_elsewhere(tab: Draft, subject: str) -> None:
    with db.session() as session:
        campaigns.save_draft(session, tab.user_id, tab.id, read(tab.id).version, subject=subject)


def _history(tab: Draft) -> list[DraftVersion]:
    with db.reading() as session:
        return versions.list_all(session, tab.user_id, tab.id)


async def _type(tab: Draft, *subjects: str) -> None:
    for subject in subjects:
        tab.change(subject=subject)
        await tab.flush()


async def test_typing_on_in_a_tab_that_came_late_pushes_no_version_out(user: Browser, sign_in: SignIn) -> None:
    tab = _tab(sign_in(user))
    for number in range(5):
        db.clock_offset += timedelta(minutes=3)
        _save_elsewhere(tab, f"Elsewhere {number}")
    older = [each.subject for each in _history(tab)]
    await _type(tab, *(f"Here {number}" for number in range(versions.MOST + 5)))
    assert tab.state.kind == "conflict" and len(older) == 5
    assert [each.subject for each in _history(tab)] == ["Here 34", *older]
    db.clock_offset += timedelta(minutes=3)
    _save_elsewhere(tab, "Elsewhere 5")
    await _type(tab, "Here at last")
    assert [each.subject for each in _history(tab)] == ["Here at last", "Elsewhere 4", *older]


async def test_the_next_conflict_of_a_tab_has_a_version_of_its_own(user: Browser, sign_in: SignIn) -> None:
    tab = _tab(sign_in(user))
    _save_elsewhere(tab, "Elsewhere")
    await _type(tab, "Here")
    assert await tab.keep_mine()
    _save_elsewhere(tab, "Elsewhere again")
    await _type(tab, "Here once more", "Here again")
    subjects = [each.subject for each in _history(tab)]
    assert subjects[0] == "Here again" and "Here" in subjects and "Here once more" not in subjects


async def test_a_version_that_was_pushed_out_meanwhile_is_kept_anew(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = _tab(sign_in(user))
    _save_elsewhere(tab, "Elsewhere")
    await _type(tab, "Here")
    monkeypatch.setattr(versions, "MOST", 1)
    db.clock_offset += timedelta(minutes=3)
    _save_elsewhere(tab, "Elsewhere 2")
    assert [each.subject for each in _history(tab)] == ["Elsewhere"]
    await _type(tab, "Here again")
    assert [each.subject for each in _history(tab)] == ["Here again"]


async def test_what_is_typed_while_another_tab_schedules_is_there_once_it_is_unscheduled(
    user: Browser, sign_in: SignIn
) -> None:
    tab = _tab(sign_in(user))
    with db.session() as session:
        campaigns.schedule(session, tab.user_id, tab.id, db.now(session) + timedelta(hours=1))
    await _type(tab, "Here", "Here again")
    assert tab.state.kind == "ended" and read(tab.id).subject == "Hello"
    with db.session() as session:
        campaigns.unschedule(session, tab.user_id, tab.id)
    assert [each.subject for each in _history(tab)] == ["Here again"]
