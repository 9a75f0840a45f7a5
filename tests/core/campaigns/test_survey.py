"""A walk through the whole audience: who has a gap, who cannot be mailed, in chunks and without strangers."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session, col, select

from core import campaigns, db
from core.audience import contacts, parse, people
from core.campaigns.preflight import people as said
from core.campaigns.preflight import survey as surveys
from core.campaigns.preflight.survey import Survey, survey
from core.delivery import snapshot
from core.errors import NotFound
from core.models import Contact, ContactList, ListMember, Message, Sender, Suppression
from tests.conftest import Stack
from tests.core.campaigns.rows import NOW, contact_list, id_of, user


def with_fields(session: Session, user_id: int, **fields: dict[str, str]) -> int:
    list_id = contact_list(session, user_id, *[f"{name}@example.org" for name in fields])
    for name, values in fields.items():
        session.exec(select(Contact).where(col(Contact.email) == f"{name}@example.org")).one().fields = values
    session.flush()
    return list_id


def draft_to(session: Session, user_id: int, campaign_id: int, body: str, *lists: int, **more: str) -> None:
    campaigns.set_lists(session, user_id, campaign_id, list(lists))
    version = campaigns.get(session, user_id, campaign_id).version
    campaigns.save_draft(session, user_id, campaign_id, version, body=body, **more)


def looked(user_id: int, campaign_id: int) -> Survey:
    *_, last = survey(user_id, campaign_id)
    assert last.is_done
    return last


def sentences(found: Survey) -> list[str]:
    return [each.text for each in said.findings(found)]


def test_recipients_with_nothing_in_a_field_are_counted_and_named(alice: int, draft: int) -> None:
    with db.session() as session:
        one = with_fields(session, alice, a={"first_name": "A"}, b={}, c={"first_name": "  "})
        draft_to(session, alice, draft, "Hi {{ first_name }}", one)
    found = looked(alice, draft)
    assert sentences(found) == ["2 of 3 recipients have nothing for {{ first_name }}: its place stays empty for them."]
    assert [each.email for each in found.named("gap:first_name").people] == ["b@example.org", "c@example.org"]
    [finding] = said.findings(found)
    assert (finding.gap, finding.people) == ("first_name", "gap:first_name")


def test_a_field_with_a_default_is_only_noted_unless_nobody_has_it(alice: int, draft: int) -> None:
    with db.session() as session:
        one = with_fields(session, alice, a={"first_name": "A"}, b={})
        body = (
            'Hi {{ first_name | default: "there" }} of {{ compny | default: "you" }} {{ email }} {{ unsubscribe_url }}'
        )
        draft_to(session, alice, draft, body, one)
    levels = {each.text: each.level.value for each in said.findings(looked(alice, draft))}
    assert levels == {
        "No recipient has the field {{ compny }}: its default is shown in every mail.": "warning",
        "1 of 2 recipients has nothing for {{ first_name }}: its default is shown to them.": "note",
    }


def test_who_is_suppressed_or_on_two_lists_is_told_and_looked_at_once(alice: int, draft: int) -> None:
    with db.session() as session:
        one = with_fields(session, alice, a={"first_name": "A"}, b={}, c={})
        two = ContactList(user_id=alice, name="Again", contact_count=1, created_at=NOW)
        session.add(two)
        session.flush()
        a = session.exec(select(Contact.id).where(col(Contact.email) == "a@example.org")).one()
        session.add(ListMember(list_id=id_of(two), contact_id=a or 0))
        session.add(Suppression(user_id=alice, email="c@example.org", reason="manual", created_at=NOW))
        session.get_one(ContactList, one).contact_count = 3
        draft_to(session, alice, draft, "Hi {{ first_name }}", one, id_of(two))
    found = looked(alice, draft)
    assert (found.recipients, found.suppressed, found.doubled, found.gaps["first_name"].count) == (2, 1, 1, 1)
    assert "1 address is on more than one list: everybody gets the mail once." in sentences(found)
    assert any("on your suppression list" in text for text in sentences(found))


def test_addresses_that_are_wrong_or_look_mistyped_are_named(alice: int, draft: int) -> None:
    with db.session() as session:
        wrong = ("a@gmial.com", "b@hotmial.con", "no at sign")
        one = contact_list(session, alice, *wrong, "good@example.org", "jörg@example.org")
        draft_to(session, alice, draft, "Hi", one)
    found = looked(alice, draft)
    assert found.invalid.people[0].email == "no at sign"
    assert [each.words for each in found.mistyped.people] == ["probably gmail.com", "probably hotmail.com"]
    assert (found.invalid.count, found.mistyped.count, found.international) == (1, 2, 1)


def test_values_that_no_mail_can_be_made_of_and_own_links_that_lead_nowhere_are_named(alice: int, draft: int) -> None:
    with db.session() as session:
        one = with_fields(session, alice, a={"page": "https://harbourbooks.in/a"}, b={"page": "javascript:x"}, c={})
        draft_to(session, alice, draft, '<a href="{{ page }}">Yours</a>', one)
    found = looked(alice, draft)
    assert [each.email for each in found.bad_links.people] == ["b@example.org"]
    assert found.unmailable.count == 0 and any("broken link of their own" in text for text in sentences(found))
    with db.session() as session:
        one = with_fields(session, alice, d={"name": "D\x07"}, e={"name": "Elena Ünal"})
        draft_to(session, alice, draft, "Hi", one, subject="Hi {{ name }}")
    found = looked(alice, draft)
    assert [each.email for each in found.unmailable.people] == ["d@example.org"]
    assert "1 recipient cannot be mailed: A header would have a control character in it." in sentences(found)[0]


def test_the_longest_values_decide_whether_gmail_clips(alice: int, draft: int) -> None:
    with db.session() as session:
        one = with_fields(session, alice, a={"bio": "x" * 20_000}, b={"bio": "y"})
        draft_to(session, alice, draft, "{{ bio }}" * 6, one, body_kind="html")
    assert any("With the longest values" in text for text in sentences(looked(alice, draft)))


def test_where_they_live_is_counted(alice: int, draft: int) -> None:
    with db.session() as session:
        one = with_fields(session, alice, a={"country": "India"}, b={"country": "IN"}, c={})
        draft_to(session, alice, draft, "Hi", one)
    found = looked(alice, draft)
    assert found.places_are == "countries" and found.places == {"India": 1, "IN": 1}


def test_a_large_audience_is_walked_in_chunks_with_few_in_mind(
    alice: int, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "CHUNK", 200)
    monkeypatch.setattr(surveys, "MOST_NAMED", 50)
    text = "email,first_name\n" + "\n".join(f"p{n}@example.net,{'' if n % 4 else 'Anna'}" for n in range(1_200))
    stored = contacts.store(alice, parse.parse_text(text), "Many")
    with db.session() as session:
        draft_to(session, alice, draft, "Hi {{ first_name }}", stored.list_id)
    steps: list[int] = []
    walk: Iterator[Survey] = survey(alice, draft)
    for step in walk:
        steps.append(step.looked)
        last = step
    assert steps == [*range(200, 1_201, 200), 1_200] and last.is_done
    assert (last.recipients, last.gaps["first_name"].count, len(last.gaps["first_name"].people)) == (1_200, 900, 50)


def test_people_are_found_by_address_or_domain_and_only_on_these_lists(alice: int, stack: Stack) -> None:
    with db.session() as session:
        one = contact_list(session, alice, "anna@example.org", "anton@example.net", "bert@example.org")
        contact_list(session, alice, "annabel@example.org")
        for contact in session.exec(select(Contact)):
            contact.domain = contact.email.partition("@")[2]
        session.flush()
        charlie = user(session, "charlie@example.com")

        def find(search: str, who: int = alice) -> list[str]:
            return [person.email for person in people.find(session, who, [one], search)]

        assert find("AN") == ["anna@example.org", "anton@example.net"]
        assert find("@example.org") == ["anna@example.org", "bert@example.org"]
        assert find("an", charlie) == [] == people.walk(session, charlie, [one])
        first = people.walk(session, alice, [one], limit=2)
        assert [each.email for each in people.walk(session, alice, [one], first[-1].id, 2)] == ["bert@example.org"]


def test_a_stranger_surveys_nothing(alice: int, draft: int) -> None:
    with db.session() as session:
        charlie = user(session, "charlie@example.com")
    with pytest.raises(NotFound):
        next(survey(charlie, draft))
    with db.reading() as session, pytest.raises(NotFound):
        campaigns.asked_of_dns(session, charlie, draft)


def test_dns_is_asked_for_a_domain_as_it_has_it_however_the_sender_is_kept(alice: int, draft: int) -> None:
    for kept in ("news@müller.de", "news@xn--mller-kva.de"):
        with db.session() as session:
            session.exec(select(Sender)).one().from_address = kept
            asked = campaigns.asked_of_dns(session, alice, draft)
        assert asked is not None and asked.domain == "xn--mller-kva.de"


def test_who_is_on_a_list_that_is_left_out_is_nobody_anywhere(alice: int, draft: int) -> None:
    with db.session() as session:
        one = with_fields(session, alice, a={}, b={}, c={})
        out = ContactList(user_id=alice, name="Clients", contact_count=1, created_at=NOW)
        session.add(out)
        session.flush()
        session.get_one(ContactList, one).contact_count = 3
        b = session.exec(select(Contact.id).where(col(Contact.email) == "b@example.org")).one()
        session.add(ListMember(list_id=id_of(out), contact_id=b or 0))
        session.flush()
        campaigns.set_lists(session, alice, draft, [one], [id_of(out)])
        assert campaigns.list_ids(session, alice, draft) == [one]
        assert campaigns.left_out_ids(session, alice, draft) == [id_of(out)]
        counted = contacts.audience_count(session, alice, [one], [id_of(out)])
        assert (counted.recipients, counted.suppressed, counted.left_out) == (2, 0, 1)
        assert people.find(session, alice, [one], "b@", left_out=[id_of(out)]) == []
        before = contacts.sample(session, alice, [one], after_id=(b or 0) - 1, left_out=[id_of(out)])
        assert before is not None and before.email == "c@example.org"
        copy = campaigns.duplicate(session, alice, draft)
        assert campaigns.left_out_ids(session, alice, id_of(copy)) == [id_of(out)]
    found = looked(alice, draft)
    assert (found.recipients, found.doubled) == (2, 0)
    with db.session() as session:
        campaigns.set_lists(session, alice, draft, [id_of(out)], [one])
        assert campaigns.problems(session, alice, draft) == [
            "Everybody on the chosen lists is on a list that is left out."
        ]
        campaigns.set_lists(session, alice, draft, [one], [id_of(out)])
        charlie = user(session, "charlie@example.com")
        with pytest.raises(NotFound):
            campaigns.left_out_ids(session, charlie, draft)
        mine = contact_list(session, charlie, "x@example.org")
        with pytest.raises(NotFound):
            campaigns.set_lists(session, alice, draft, [one], [mine])
        campaigns.send_now(session, alice, draft)
        campaigns.start_due(session)
        while snapshot.add_chunk(session, draft):
            pass
        sent = session.exec(select(Message.email).where(col(Message.campaign_id) == draft)).all()
    assert sorted(sent) == ["a@example.org", "c@example.org"]
