"""A user's own templates. What is stored is what is mailed: nothing is sanitised here."""

from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import update
from sqlmodel import Session, col, select

from core import db, live
from core.errors import NotFound, RuleError
from core.models import BodyKind, Template

MAX_BODY = 500_000  # characters; Gmail cuts a mail at 102 kB
_template: Any = Template.__table__  # type: ignore[attr-defined]
_MAX_LINE = 998  # a subject longer than a line of a mail is no subject
_COLUMNS = {"name", "subject", "preheader", "body", "body_kind"}


def list_all(session: Session, user_id: int) -> list[Template]:
    """The user's templates, last changed first."""
    query = select(Template).where(col(Template.user_id) == user_id)
    return list(session.exec(query.order_by(col(Template.updated_at).desc(), col(Template.id).desc())))


def get(session: Session, user_id: int, template_id: int) -> Template:
    """One template of the user. Raises NotFound."""
    query = select(Template).where(col(Template.id) == template_id, col(Template.user_id) == user_id)
    found = session.exec(query).first()
    if found is None:
        raise NotFound.of("template")
    return found


def create(
    session: Session,
    user_id: int,
    name: str,
    *,
    subject: str = "",
    preheader: str = "",
    body: str = "",
    body_kind: str = BodyKind.html,
) -> Template:
    """Make a template. Raises RuleError for a name or a text that cannot be kept."""
    values = _checked({"name": name, "subject": subject, "preheader": preheader, "body": body, "body_kind": body_kind})
    now = db.now(session)
    made = Template(user_id=user_id, created_at=now, updated_at=now, **values)
    session.add(made)
    session.flush()
    _tell(session, user_id, made.id)
    return made


def save(session: Session, user_id: int, template_id: int, **changes: str) -> None:
    """Change name, subject, preheader, body or body_kind. Raises NotFound, or RuleError for what cannot be kept."""
    values = _checked(changes)
    own = (col(Template.id) == template_id, col(Template.user_id) == user_id)
    done = session.connection().execute(update(Template).where(*own).values(**values, updated_at=db.now(session)))
    if done.rowcount != 1:
        raise NotFound.of("template")
    _tell(session, user_id, template_id)


def save_as(
    session: Session,
    user_id: int,
    name: str,
    *,
    subject: str,
    preheader: str,
    body: str,
    body_kind: str,
    replace: bool = False,
) -> Template:
    """Keep a draft's content as the template ``name``. Raises NameTaken when there is one, unless ``replace``."""
    name = name.strip()
    query = select(Template).where(col(Template.user_id) == user_id, col(Template.name) == name)
    found = session.exec(query.order_by(col(Template.id))).first()
    if found is None:
        return create(session, user_id, name, subject=subject, preheader=preheader, body=body, body_kind=body_kind)
    if not replace:
        raise NameTaken(f"You have a template named {name} already.")
    assert found.id is not None
    save(session, user_id, found.id, subject=subject, preheader=preheader, body=body, body_kind=body_kind)
    return found


class NameTaken(RuleError):
    """The user has a template of this name; ask whether to replace it."""


def duplicate(session: Session, user_id: int, template_id: int) -> Template:
    """A copy with a name of its own. Raises NotFound."""
    source = get(session, user_id, template_id)
    taken = set(session.exec(select(Template.name).where(col(Template.user_id) == user_id)))
    base = source.name[:180]
    name = next(
        name
        for name in (f"{base} (copy)", *(f"{base} (copy {number})" for number in range(2, len(taken) + 3)))
        if name not in taken
    )
    return create(
        session,
        user_id,
        name,
        subject=source.subject,
        preheader=source.preheader,
        body=source.body,
        body_kind=source.body_kind,
    )


def delete(session: Session, user_id: int, template_id: int) -> Template:
    """Remove a template and return it; campaigns made from it keep their text. Raises NotFound."""
    own = (_template.c.id == template_id, _template.c.user_id == user_id)
    gone = session.execute(delete_rows(_template).where(*own).returning(_template)).mappings().first()
    if gone is None:
        raise NotFound.of("template")
    _tell(session, user_id, template_id)
    return Template(**gone)


def put_back(session: Session, user_id: int, deleted: Template) -> None:
    """A deleted template as it was, under a number of its own."""
    made = Template(**deleted.model_dump(exclude={"id", "user_id"}), user_id=user_id)
    session.add(made)
    session.flush()
    _tell(session, user_id, made.id)


def _checked(values: dict[str, str]) -> dict[str, Any]:
    if unknown := values.keys() - _COLUMNS:
        raise TypeError(f"a template has no {', '.join(sorted(unknown))}")
    if "name" in values:
        values = {**values, "name": values["name"].strip()}
        if not values["name"]:
            raise RuleError("Give the template a name.")
        if len(values["name"]) > 200:
            raise RuleError("The name of a template has at most 200 characters.")
    if "body_kind" in values and values["body_kind"] not in list(BodyKind):
        raise RuleError("A template is rich text, Markdown or HTML.")
    if len(values.get("body", "")) > MAX_BODY:
        raise RuleError(f"The text of a template has at most {MAX_BODY:,} characters.")
    for name in ("subject", "preheader"):
        if len(values.get(name, "")) > _MAX_LINE:
            raise RuleError(f"The {name} has at most {_MAX_LINE} characters.")
    for text in values.values():
        if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
            raise RuleError("The text has a character in it that cannot be kept.")
    return values


def _tell(session: Session, user_id: int, template_id: int | None) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "template", template_id))
