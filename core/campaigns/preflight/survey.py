"""The whole audience of a draft looked at: who has nothing for a merge field, who cannot be mailed, where they live.

A walk in chunks, each in its own short transaction: whoever drives it decides on which thread, shows how far it is, and
drops it when something changed. 100,000 people take some seconds and, kept in mind, as little as a hundred.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from core import db
from core.audience import addresses, contacts, people, typos
from core.audience.people import Person
from core.campaigns.content import content
from core.campaigns.drafts import get, left_out_ids, list_ids
from core.campaigns.findings import Level
from core.campaigns.preflight import links, size, tags
from core.content import bodies, foreign, mail, merge
from core.models import BodyKind, ContactList

CHUNK = 1_000  # people; on two slow cores some 30 ms
MOST_NAMED = 500  # people kept of one kind; all are counted
_MOST_FIELDS = 50
_MOST_PLACES = 300
_USUAL_LENGTH = 500  # characters
_ZONES = ("time_zone", "timezone", "tz", "zone")
_COUNTRIES = ("country_code", "country")


class Named(NamedTuple):
    """A person with what is said of them."""

    contact_id: int
    email: str
    words: str = ""


@dataclass
class Kind:
    """People with something in common: how many, and the first of them."""

    count: int = 0
    people: list[Named] = field(default_factory=list)

    def add(self, person: Person, words: str = "") -> None:
        self.count += 1
        if len(self.people) < MOST_NAMED:
            self.people.append(Named(person.id, person.email, words))


@dataclass
class Survey:
    """What is known so far. ``listed``: members of the lists, who is on two counted twice; ``recipients``: who gets it.

    ``gaps``: merge field -> people without a value; ``defaults``: whether each place that uses it has a default.
    ``places``: time zones or countries as the contacts have them -> recipients; ``places_are``: zones, countries or "".
    """

    listed: int
    defaults: dict[str, bool]
    looked: int = 0
    recipients: int = 0
    suppressed: int = 0
    is_done: bool = False
    gaps: dict[str, Kind] = field(default_factory=dict)
    invalid: Kind = field(default_factory=Kind)
    mistyped: Kind = field(default_factory=Kind)
    unmailable: Kind = field(default_factory=Kind)
    bad_links: Kind = field(default_factory=Kind)
    suppressed_people: Kind = field(default_factory=Kind)
    international: int = 0
    largest: int = 0  # bytes of the HTML part that is longest
    places: Counter[str] = field(default_factory=Counter)
    places_are: str = ""

    @property
    def doubled(self) -> int:
        """Memberships of people who are on another list too, once all are looked at."""
        return max(0, self.listed - self.looked)

    def named(self, key: str) -> Kind:
        """By the key that a Finding gives: ``gap:first_name``, or the name of a Kind here."""
        if key.startswith("gap:"):
            return self.gaps.get(key[4:], Kind())
        found = getattr(self, key, None)
        return found if isinstance(found, Kind) else Kind()


def survey(user_id: int, campaign_id: int) -> Iterator[Survey]:
    """Walk through the audience of a draft as it is kept; yields one Survey after each chunk, ``is_done`` at last.

    Each step blocks for some 30 ms: take it off the event loop. Raises NotFound.
    """
    with db.reading() as session:
        campaign = get(session, user_id, campaign_id)
        made = replace(content(session, campaign), signing=(), links=())
        lists, left_out = list_ids(session, user_id, campaign_id), left_out_ids(session, user_id, campaign_id)
        listed = sum(session.get_one(ContactList, list_id).contact_count for list_id in lists)
        if left_out:
            listed -= contacts.audience_count(session, user_id, lists, left_out).left_out
    look = _Look(made, Survey(listed, fields_used(made)))
    after = 0
    while True:
        with db.reading() as session:
            chunk = people.walk(session, user_id, lists, after, CHUNK, left_out)
        if not chunk:
            look.finish()
            yield look.found
            return
        for person in chunk:
            look.at(person)
        after = chunk[-1].id
        yield look.found


def fields_used(made: mail.Content) -> dict[str, bool]:
    """Merge fields of subject, preheader and body -> whether each place that uses it has a default."""
    used: dict[str, bool] = {}
    for text in (made.subject, made.preheader, made.body):
        text = foreign.without(text)
        pieces = merge.parse_html(text) if made.body_kind == BodyKind.html else merge.parse(text)
        for piece in pieces:
            if isinstance(piece, merge.Field) and piece.name not in merge.BUILT_IN:
                used[piece.name] = used.get(piece.name, True) and bool(piece.default)
    return dict(list(used.items())[:_MOST_FIELDS])


class _Look:
    """One walk: the compiled mail, and what adds to ``found``."""

    def __init__(self, made: mail.Content, found: Survey) -> None:
        self.made, self.found = made, found
        found.gaps = {name: Kind() for name in found.defaults}
        self.fields = [merge.Field(name) for name in found.defaults]
        self.links = _own_links(bodies.words(made.body, made.body_kind))
        self.longest: tuple[int, Person | None] = (-1, None)
        self.at_once = datetime(2026, 1, 1, tzinfo=UTC)
        try:
            self.compiled: mail.CompiledMail | None = mail.compile_mail(replace(made, attachments=()))
        except mail.BadMail:  # an error of its own, found without any recipient
            self.compiled = None

    def at(self, person: Person) -> None:
        found = self.found
        found.looked += 1
        if person.is_suppressed:
            found.suppressed += 1
            found.suppressed_people.add(person)
            return
        found.recipients += 1
        self._address(person)
        values = self._values(person)
        self._place(person)
        if self.compiled is not None and not _is_usual(person.email, values):
            try:
                self.compiled.render(mail.Recipient(person.id, person.email, person.fields), self.at_once)
            except mail.BadMail as error:
                found.unmailable.add(person, str(error))

    def finish(self) -> None:
        self.found.is_done = True
        _, person = self.longest
        if person is not None:
            seen = mail.preview(self.made, mail.Recipient(person.id, person.email, person.fields))
            self.found.largest = len(seen.html.encode("utf-8", "replace"))

    def _address(self, person: Person) -> None:
        read = addresses.read(person.email)
        if not read.email:
            self.found.invalid.add(person, read.reason)
        elif meant := typos.meant(addresses.domain_of(person.email)):
            self.found.mistyped.add(person, f"probably {meant}")
        if not person.email.isascii():
            self.found.international += 1

    def _values(self, person: Person) -> str:
        """All values that the mail uses."""
        values = [merge.value(each, person.fields) for each in self.fields]
        for each, value in zip(self.fields, values, strict=True):
            if not value:
                self.found.gaps[each.name].add(person)
        whole = "".join(values)
        if len(whole) > self.longest[0]:
            self.longest = (len(whole), person)
        for address in self.links:
            filled = merge.render_text(address, person.fields).strip()
            level, words = links.judge(filled) if filled else (None, "")
            if level == Level.error:
                self.found.bad_links.add(person, words)
        return whole

    def _place(self, person: Person) -> None:
        found = self.found
        for kind, names in (("zones", _ZONES), ("countries", _COUNTRIES)):
            if found.places_are not in ("", kind):
                continue
            value = next((str(person.fields[name]).strip() for name in names if person.fields.get(name)), "")
            if value:
                found.places_are = kind
                if value in found.places or len(found.places) < _MOST_PLACES:
                    found.places[value] += 1
                return


def _is_usual(email: str, values: str) -> bool:
    """Nothing in a mail with these can go wrong that does not go wrong without them: no need to make it."""
    return len(values) < _USUAL_LENGTH and f"{email}{values}".isascii() and values.isprintable()


def _own_links(body: str) -> list[str]:
    """The addresses that begin with a merge field: each recipient has another one."""
    found = []
    for link in tags.links(body):
        address = (link.address or "").strip()
        first = merge.parse(address)[0] if address else ""
        if isinstance(first, merge.Field) and first.name not in merge.BUILT_IN:
            found.append(address)
    return list(dict.fromkeys(found))[:20]


def is_clipped(found: Survey) -> bool:
    return found.largest > size.CLIPPED_ABOVE
