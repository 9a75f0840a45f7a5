"""Every mail that the server gets carries the campaign's files, whatever happens on its way."""

import os
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from core import db
from core.campaigns import attachments
from core.models import Campaign, CampaignStatus
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.certificates import certificate, trust
from tests.jobs.receiver import Receiver

FILE = os.urandom(1_400_000)  # some blocks, which TLS does not shrink
SIZE = 4_000_000


def _carrying(receiver: Receiver, count: int, **sender: object) -> int:
    """A campaign to ``count`` people, whose mails carry FILE."""
    user_id, _, campaign_id = world.to_people(receiver, world.people(count), **sender)
    with world.changing(campaign_id) as row:
        row.status = CampaignStatus.draft
    with db.session() as session:
        attachments.add(session, user_id, campaign_id, "agenda.pdf", FILE)
        session.get_one(Campaign, campaign_id).status = CampaignStatus.sending
    return campaign_id


def _files(raw: bytes) -> list[tuple[str | None, object]]:
    parsed = message_from_bytes(raw, policy=policy.default)
    return [(part.get_filename(), part.get_payload(decode=True)) for part in parsed.iter_attachments()]


@pytest.mark.parametrize("security", ["none", "starttls"])
def test_each_recipient_gets_the_file_once_and_its_size_is_told_before(
    stack: Stack, security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starttls = trust(certificate(tmp_path, 10), monkeypatch) if security == "starttls" else None
    with Receiver(size=SIZE, starttls=starttls) as receiver, world.engine() as engine:
        campaign_id = _carrying(receiver, 12, security=security, host="localhost")
        world.dispatch(engine)
        world.until(lambda: world.sent(campaign_id))
    assert sorted(receiver.accepted) == world.people(12) and world.states(campaign_id) == {"sent": 12}
    for email, raw in receiver.bodies.items():
        assert _files(raw) == [("agenda.pdf", FILE)]
        assert f"person{email[6:10]}" in raw[:3_000].decode()
    told = {int(line.partition("SIZE=")[2]) for line in receiver.commands if "SIZE=" in line}
    assert told == {len(raw) for raw in receiver.bodies.values()}


def test_a_connection_lost_within_the_files_loses_and_doubles_nothing(stack: Stack) -> None:
    seen: list[str] = []

    def script(phase: str, recipient: str) -> str | None:
        if phase == "body" and recipient not in seen:
            seen.append(recipient)
            return "421 4.3.2 come back" if len(seen) % 2 else None
        return None

    with Receiver(size=SIZE, script=script) as receiver, world.engine() as engine:
        campaign_id = _carrying(receiver, 6)
        world.dispatch(engine)
        world.until(lambda: world.sent(campaign_id), poke=lambda: world.dispatch(engine))
    assert sorted(receiver.accepted) == world.people(6) and world.states(campaign_id) == {"sent": 6}
    assert all(_files(raw) == [("agenda.pdf", FILE)] for raw in receiver.bodies.values())


def test_a_server_that_takes_no_such_mail_is_not_sent_it(stack: Stack) -> None:
    with Receiver(size=1_000_000) as receiver, world.engine() as engine:
        campaign_id = _carrying(receiver, 3)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status != "sending")
    assert receiver.accepted == [] and not [line for line in receiver.commands if line.startswith("MAIL")]
    assert "Message too big" in world.campaign(campaign_id).pause_detail
