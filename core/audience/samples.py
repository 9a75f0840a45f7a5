"""Sample contacts: 120 people who exist nowhere, at domains that RFC 2606 keeps free for examples."""

from collections.abc import Sequence

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from core import db, live
from core.audience import contacts
from core.models import Contact, ContactList, ListMember, Suppression

LIST_NAME = "Sample contacts"
DOMAINS = ("sample.example", "sample-mail.example", "sample-post.example")
FIELDS = ("first_name", "last_name", "city")
COUNT = 120
_FIRST = (
    "Aarav Aisha Amara Anders Anika Arjun Beatriz Benedikt Camille Chidi Clara Daniel Diya Elena Emeka Farah Felix "
    "Freya Gabriel Hana Hugo Imani Ines Ishaan Jonas Kavya Kenji Laila Leo Lin Lucia Mateo Maya Meera Mina Nadia "
    "Niamh Noah Nora Omar"
).split()
_LAST = (
    "Adeyemi Almeida Andersson Bauer Bergman Chaudhary Costa Dubois Eriksen Fernandes Fischer Garcia Gupta Hashimoto "
    "Hussain Ivanova Iyer Jensen Kapoor Keller Kowalski Laurent Lindqvist Mehta Moreau Nair Nakamura Novak Okafor "
    "Oliveira Patel Petrov Rahman Reddy Romano Schmidt Sharma Silva Tanaka Walsh"
).split()
_CITIES = "Pune Lisbon Berlin Lagos Osaka Kochi Toronto Delhi Lyon Mumbai Oslo Krakow".split()


def people() -> list[tuple[str, dict[str, str]]]:
    """Address and merge fields of each sample contact, the same every time."""
    made = []
    for number in range(COUNT):
        first, last = _FIRST[number % 40], _LAST[(number * 7 + number // 40 * 3) % 40]
        email = f"{first}.{last}@{DOMAINS[number % 3]}".lower()
        made.append((email, {"first_name": first, "last_name": last, "city": _CITIES[number % 12]}))
    return made


def is_sample(session: Session, user_id: int, list_ids: Sequence[int], left_out: Sequence[int] = ()) -> bool:
    """Whether sample contacts are among the people of these lists who are on none ``left_out``."""
    found = (
        select(Contact.id)
        .join(ListMember, col(ListMember.contact_id) == col(Contact.id))
        .where(col(Contact.user_id) == user_id, col(Contact.domain).in_(DOMAINS))
        .where(col(ListMember.list_id).in_(list_ids), ~contacts.on_lists(col(Contact.id), left_out))
    )
    return session.exec(found.limit(1)).first() is not None


def remove(session: Session, user_id: int) -> int:
    """Take the sample contacts out of the user's book and lists, and off their suppression list; how many there were.

    Lists first, then contacts: the order in which an upload locks them.
    """
    lists = select(ContactList.id).where(col(ContactList.user_id) == user_id).order_by(col(ContactList.id))
    session.exec(lists.with_for_update()).all()
    emails = [email for email, _ in people()]
    mine = (col(Contact.user_id) == user_id, col(Contact.email).in_(emails))
    held = (
        select(ListMember.list_id, func.count())
        .join(Contact, col(Contact.id) == col(ListMember.contact_id))
        .join(ContactList, col(ContactList.id) == col(ListMember.list_id))
        .where(*mine, col(ContactList.user_id) == user_id)
        .group_by(col(ListMember.list_id))
        .order_by(col(ListMember.list_id))
    )
    for list_id, count in session.execute(held).all():
        fewer = update(ContactList).where(col(ContactList.id) == list_id, col(ContactList.user_id) == user_id)
        session.execute(fewer.values(contact_count=col(ContactList.contact_count) - count))
    gone = session.execute(delete(Contact).where(*mine))
    session.execute(delete(Suppression).where(col(Suppression.user_id) == user_id, col(Suppression.email).in_(emails)))
    db.after_commit(session, lambda: live.publish(user_id, "audience"))
    return int(gone.rowcount)  # type: ignore[attr-defined]
