"""A user's images for their mails: kept, listed, used, deleted. Readers fetch one by a signed address."""

import hashlib
import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core import crypto, db, live
from core.content.picture import Picture
from core.errors import NotFound, RuleError
from core.models import Campaign, Image, Template

MOST_SIZE = 300_000_000  # bytes of one user's images together
ALT_LENGTH, _NAME_LENGTH = 500, 100
_PATH = re.compile(r"/i/([A-Za-z0-9_-]{32})\.(?:jpg|png|gif)")
# Where a mail's HTML fetches something: src="/i/…", srcset, background="…", url(/i/…); also a link to the image itself.
_IN_HTML = re.compile(r"""(?<=["'(=\s,;])(?=/i/[A-Za-z0-9_-]{32}\.(?:jpg|png|gif)\b)""")
_SHOWN_NAME = re.compile(r"[\x00-\x1f\x7f/\\]+")


@dataclass(frozen=True)
class Uses:
    """The names of what shows an image."""

    campaigns: list[str]
    templates: list[str]


def add(session: Session, user_id: int, picture: Picture, name: str) -> Image:
    """Keep ``picture``; one that the user has already is given back. Raises RuleError when there is no room."""
    digest = hashlib.sha256(picture.data).hexdigest()
    mine = col(Image.user_id) == user_id
    same = _without_data().where(mine, col(Image.digest) == digest)
    if (known := session.exec(same).first()) is not None:
        return known
    used = session.exec(select(func.coalesce(func.sum(col(Image.size)), 0)).where(mine)).one()
    if used + len(picture.data) > MOST_SIZE:
        raise RuleError(f"Your images take {used // 1_000_000:,} MB, and there is no room for more. Delete some first.")
    row = {
        "user_id": user_id,
        "name": _SHOWN_NAME.sub(" ", name).strip()[-_NAME_LENGTH:],
        "alt": "",
        "kind": picture.kind,
        "width": picture.width,
        "height": picture.height,
        "size": len(picture.data),
        "digest": digest,
        "created_at": db.now(session),
        "data": picture.data,
    }
    db.insert_ignore(session, Image.__table__, [row])  # type: ignore[attr-defined]
    _tell(session, user_id)
    return session.exec(same).one()


def list_all(session: Session, user_id: int) -> list[Image]:
    """The user's images without their data, newest first."""
    return list(session.exec(_without_data().where(col(Image.user_id) == user_id).order_by(col(Image.id).desc())))


def get(session: Session, user_id: int, image_id: int) -> Image:
    """One image of the user without its data. Raises NotFound."""
    found = session.exec(_without_data().where(*_owned(user_id, image_id))).first()
    if found is None:
        raise NotFound.of("image")
    return found


def data(session: Session, image_id: int) -> bytes | None:
    """What the signed address of an image serves, to anybody who knows it; None where it was deleted."""
    return session.exec(select(Image.data).where(col(Image.id) == image_id)).first()


def set_alt(session: Session, user_id: int, image_id: int, alt: str) -> None:
    """Remember the words for those who do not see it. Raises NotFound."""
    kept = update(Image).where(*_owned(user_id, image_id)).values(alt=alt.strip()[:ALT_LENGTH])
    if session.connection().execute(kept).rowcount != 1:
        raise NotFound.of("image")


def delete(session: Session, user_id: int, image_id: int) -> None:
    """Remove an image: mails that show it, also those sent, show a gap from now on. Raises NotFound."""
    if session.connection().execute(delete_rows(Image).where(*_owned(user_id, image_id))).rowcount != 1:
        raise NotFound.of("image")
    _tell(session, user_id)


def uses(session: Session, user_id: int, image_id: int) -> Uses:
    """Which campaigns and templates of the user show an image of theirs. Raises NotFound."""
    token = path(get(session, user_id, image_id))[3:35]
    campaigns = select(Campaign.name, Campaign.subject).where(
        col(Campaign.user_id) == user_id,
        col(Campaign.deleted_at).is_(None),
        col(Campaign.body).contains(token, autoescape=True),
    )
    templates = select(Template.name).where(
        col(Template.user_id) == user_id, col(Template.body).contains(token, autoescape=True)
    )
    return Uses(
        [name or subject or "Untitled" for name, subject in session.exec(campaigns.order_by(col(Campaign.id).desc()))],
        list(session.exec(templates.order_by(col(Template.name)))),
    )


def path(image: Image) -> str:
    """The address of an image on our server: 128 bits of it cannot be guessed, and it stays the same for ever."""
    assert image.id is not None
    return f"/i/{crypto.sign('image', image.id)}.{image.kind}"


def number(token: str) -> int | None:
    """The id in the token of ``path``; None for one that we did not make."""
    return crypto.verify("image", token)


def absolute(source: str, base: str) -> str:
    """``source`` (HTML) with the addresses of our images as a reader can fetch them; as it is without ``base``."""
    return _IN_HTML.sub(lambda _: base.rstrip("/"), source) if base else source


def relative(source: str, base: str) -> str:
    """``source`` with addresses of our images at ``base`` (as a browser copies them) as ``path`` says them."""
    return source.replace(f"{base.rstrip('/')}/i/", "/i/") if base else source


def are_in(source: str) -> bool:
    """Whether ``source`` shows an image of ours."""
    return any(number(token) is not None for token in _PATH.findall(source))


def weight(session: Session, user_id: int, source: str) -> int:
    """Bytes of the user's images that ``source`` shows, each once."""
    ids = {found for token in _PATH.findall(source) if (found := number(token)) is not None}
    sizes = select(func.coalesce(func.sum(Image.size), 0)).where(col(Image.user_id) == user_id, col(Image.id).in_(ids))
    return int(session.exec(sizes).one())


def _without_data() -> SelectOfScalar[Image]:
    return select(Image).options(defer(col(Image.data), raiseload=True))  # type: ignore[arg-type]


def _owned(user_id: int, image_id: int) -> list[ColumnElement[bool]]:
    if not 0 < image_id < 1 << 31:
        raise NotFound.of("image")
    return [col(Image.id) == image_id, col(Image.user_id) == user_id]


def _tell(session: Session, user_id: int) -> None:
    db.after_commit(session, lambda: live.publish(user_id, "image", None))
