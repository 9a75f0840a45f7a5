"""What the receiving mail server gets: addresses beyond ASCII, only where it takes them."""

import dkim
from sqlmodel import select

from core import crypto, db
from core.content import gate
from core.delivery import dkim_keys
from core.models import DkimKey
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent


def test_addresses_beyond_ascii_go_to_a_server_that_takes_them_and_fail_alone_elsewhere(sqlite_stack: Stack) -> None:
    user_id = world.add_user()
    emails = ["anna@example.org", "jörg@example.org", "अनु@xn--bcher-kva.example"]
    for more in (("SMTPUTF8",), ()):
        with Receiver(more=more) as receiver, world.engine() as engine:
            campaign_id = world.add_campaign(user_id, world.add_sender(user_id, receiver.port), emails)
            world.dispatch(engine)
            world.until(lambda campaign_id=campaign_id: sent(campaign_id))  # type: ignore[misc]
        froms = sorted(line.partition(" SIZE=")[2].partition(" ")[2] for line in receiver.commands if "MAIL" in line)
        if more:
            assert sorted(receiver.accepted) == sorted(emails)
            assert froms == ["", "SMTPUTF8", "SMTPUTF8"]
            assert "\r\nTo: jörg@example.org\r\n".encode() in receiver.bodies["jörg@example.org"]
            assert receiver.bodies["anna@example.org"].isascii()
        else:
            assert receiver.accepted == ["anna@example.org"] and froms == [""]
            assert world.states(campaign_id) == {"sent": 1, "failed": 2}
            assert "does not take such addresses" in world.message(campaign_id, "jörg@example.org").reply


def test_a_domain_whose_keys_are_switched_on_signs_from_the_next_batch_on(stack: Stack) -> None:
    user_id = world.add_user()
    pairs = dkim_keys.new_pairs()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        before = world.add_campaign(user_id, sender_id, world.people(2))
        world.dispatch(engine)
        world.until(lambda: sent(before))
        with db.session() as session:
            dkim_keys.keep(session, user_id, "example.com", pairs)
            [domain] = dkim_keys.domains(session, user_id)
            for key in domain.keys:
                dkim_keys.switch(session, user_id, key.id, True)
        assert not [raw for raw in receiver.bodies.values() if b"DKIM-Signature" in raw]
        after = world.add_campaign(user_id, sender_id, world.people(3, "example.net"))
        world.dispatch(engine)
        world.until(lambda: sent(after))
    records = {f"{key.name}.".encode(): key.value.encode() for key in domain.keys}
    for email in world.people(3, "example.net"):
        judge = dkim.DKIM(receiver.bodies[email])
        assert judge.verify(0, dnsfunc=lambda name, timeout: records[name])
        assert judge.verify(1, dnsfunc=lambda name, timeout: records[name])


def test_a_signing_key_that_cannot_be_read_pauses_the_campaign_and_sends_nothing_unsigned(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        with db.session() as session:
            dkim_keys.keep(session, user_id, "example.com", dkim_keys.new_pairs())
            for row in session.exec(select(DkimKey)):
                row.private_sealed, row.is_active = crypto.seal("PEM", "dkim:of another row"), True
        campaign_id = world.add_campaign(user_id, sender_id, world.people(2))
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused")
        world.until(lambda: world.sender(sender_id).owner == "")
    assert "DKIM key of example.com cannot be read" in world.campaign(campaign_id).pause_detail
    assert receiver.accepted == [] and world.states(campaign_id) == {"pending": 2}


def test_hostile_values_reach_no_header_of_a_received_mail(sqlite_stack: Stack) -> None:
    hostile = "=?utf-8?q?hello=0d=0aBcc:_evil=40x.y?=\u2028Bcc: evil@x.y\x85Bcc: evil@x.y"
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, from_name=hostile)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(3), subject="{{ first_name }} " + hostile)
        world.dispatch(engine)
        world.until(lambda: sent(campaign_id))
    assert len(receiver.bodies) == 3
    for raw in receiver.bodies.values():
        head = raw.partition(b"\r\n\r\n")[0]
        names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith(b" ")]
        assert len(names) == len(set(names)) and "Bcc" not in names
        gate.check(raw, tuple(name.encode() for name in names))
