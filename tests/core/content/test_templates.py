from datetime import timedelta

import pytest

from core import db, live
from core.content import templates
from core.errors import NotFound, RuleError
from core.models import Template, User
from tests.conftest import Stack

CONTENT = {"subject": "Hello", "preheader": "p", "body": "<style>p{}</style><p>x</p>", "body_kind": "html"}


def _user(email: str) -> int:
    with db.session() as session:
        user = User(email=email, password_hash="x", created_at=db.now(session))
        session.add(user)
        session.flush()
        assert user.id is not None
        return user.id


def _create(user_id: int, name: str = "Monthly") -> int:
    with db.session() as session:
        made = templates.create(session, user_id, name, **CONTENT)
        assert made.id is not None
        return made.id


def _names(user_id: int) -> list[str]:
    with db.reading() as session:
        return [template.name for template in templates.list_all(session, user_id)]


def test_a_template_is_kept_byte_for_byte(stack: Stack) -> None:
    alice = _user("alice@example.com")
    made = _create(alice, "  Monthly ")
    with db.reading() as session:
        found = templates.get(session, alice, made)
    assert found.name == "Monthly"
    assert {name: getattr(found, name) for name in CONTENT} == CONTENT


def test_the_last_changed_template_comes_first(stack: Stack) -> None:
    alice = _user("alice@example.com")
    first, _ = _create(alice, "First"), _create(alice, "Second")
    db.clock_offset += timedelta(minutes=1)
    with db.session() as session:
        templates.save(session, alice, first, name="First, changed", body="<p>y</p>")
    assert _names(alice) == ["First, changed", "Second"]
    with db.reading() as session:
        assert templates.get(session, alice, first).subject == "Hello"


def test_a_stranger_sees_and_changes_nothing(stack: Stack) -> None:
    alice, charlie = _user("alice@example.com"), _user("charlie@example.com")
    made = _create(alice)
    assert _names(charlie) == []
    calls = (
        lambda session: templates.get(session, charlie, made),
        lambda session: templates.save(session, charlie, made, name="Mine"),
        lambda session: templates.duplicate(session, charlie, made),
        lambda session: templates.delete(session, charlie, made),
    )
    for call in calls:
        with pytest.raises(NotFound), db.session() as session:
            call(session)
    with db.session() as session:
        other = templates.save_as(session, charlie, "Monthly", **CONTENT)
    assert other.id != made and _names(alice) == ["Monthly"] == _names(charlie)


def test_save_as_asks_before_it_replaces(stack: Stack) -> None:
    alice = _user("alice@example.com")
    made = _create(alice)
    changed = {**CONTENT, "subject": "New"}
    with pytest.raises(templates.NameTaken, match="Monthly"), db.session() as session:
        templates.save_as(session, alice, " Monthly ", **changed)
    with db.session() as session:
        templates.save_as(session, alice, "Monthly", **changed, replace=True)
    with db.reading() as session:
        assert templates.get(session, alice, made).subject == "New"
    assert _names(alice) == ["Monthly"]


def test_a_copy_has_a_name_of_its_own(stack: Stack) -> None:
    alice = _user("alice@example.com")
    made = _create(alice)
    with db.session() as session:
        names = [templates.duplicate(session, alice, made).name for _ in range(3)]
    assert names == ["Monthly (copy)", "Monthly (copy 2)", "Monthly (copy 3)"]
    with db.session() as session:
        long = templates.create(session, alice, "x" * 200, **CONTENT)
        assert long.id is not None
        assert len(templates.duplicate(session, alice, long.id).name) <= 200


def test_delete_removes_it_once(stack: Stack) -> None:
    alice = _user("alice@example.com")
    made = _create(alice)
    with db.session() as session:
        deleted = templates.delete(session, alice, made)
    assert _names(alice) == []
    with db.session() as session:
        templates.put_back(session, alice, deleted)
        (back,) = templates.list_all(session, alice)
        assert back.model_dump(exclude={"id"}) == deleted.model_dump(exclude={"id"})
        templates.delete(session, alice, back.id or 0)
    with pytest.raises(NotFound), db.session() as session:
        templates.delete(session, alice, made)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "  "},
        {"name": "x" * 201},
        {"body": "x" * 500_001},
        {"subject": "x" * 999},
        {"body": "a\0b"},
        {"preheader": "\ud800"},
        {"body_kind": "word"},
    ],
)
def test_what_cannot_be_kept_is_said(sqlite_stack: Stack, changes: dict[str, str]) -> None:
    alice = _user("alice@example.com")
    made = _create(alice)
    with pytest.raises(RuleError), db.session() as session:
        templates.save(session, alice, made, **changes)
    with pytest.raises(RuleError), db.session() as session:
        templates.create(session, alice, **{"name": "x", **CONTENT, **changes})
    assert _names(alice) == ["Monthly"]


def test_pages_hear_of_a_change_only_after_the_commit(sqlite_stack: Stack) -> None:
    alice = _user("alice@example.com")
    heard: list[live.Hint] = []
    undo = live.subscribe(heard.append)
    with db.session() as session:
        made = templates.create(session, alice, "x")
        assert heard == []
    undo()
    assert heard == [live.Hint(alice, "template", made.id)]
    assert isinstance(made, Template)
