"""From a campaign's link to the count of a click, as the receiving server and a reader see it."""

import re

import httpx
from fastapi import FastAPI

from campaign_ui.endpoints import tracking
from core import config, db
from core.content import links as content
from core.tracking import links
from tests.conftest import Stack
from tests.core.content.parsed import body, parse
from tests.jobs import world
from tests.jobs.receiver import Receiver


async def test_a_reader_who_clicks_in_a_mail_that_was_sent_is_counted_and_arrives(sqlite_stack: Stack) -> None:
    config.use(config.load({**sqlite_stack.env, "BASE_URL": "https://mail.example.com", "SMTP_ALLOW_PRIVATE": "yes"}))
    source = '<p><a href="https://shop.example/?a=1&amp;b=2">Shop</a> {{ first_name }} <a href="tel:+43">Call</a> '
    source += '<a href="https://shop.example/for/{{ email }}">You</a></p>'
    with Receiver() as receiver, world.engine() as engine:
        user_id = world.add_user()
        campaign_id = world.add_campaign(
            user_id, world.add_sender(user_id, receiver.port), world.people(3), body=source
        )
        with db.session() as session:
            links.keep(session, campaign_id, content.addresses(source))
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "sent")
    found = {email: re.findall(r'href="([^"]*)"', body(parse(raw), "html")) for email, raw in receiver.bodies.items()}
    assert len({leads[0] for leads in found.values()}) == 3 and {leads[1] for leads in found.values()} == {"tel:+43"}
    assert all(leads[2].startswith("https://mail.example.com/t/c/") for leads in found.values())
    app = FastAPI()
    tracking.register(app)
    email = world.people(3)[1]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://mail.example.com") as reader:
        answer, own = await reader.get(found[email][0]), await reader.get(found[email][2])
    assert answer.headers["location"] == "https://shop.example/?a=1&b=2"
    assert own.headers["location"] == f"https://shop.example/for/{email.replace('@', '%40')}"
    assert world.message(campaign_id, email).clicked_at is not None
    assert world.campaign(campaign_id).clicked_count == 1
