from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver


def test_every_recipient_gets_the_mail_exactly_once(stack: Stack) -> None:
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        campaign_id = world.add_campaign(user_id, sender_id, world.people(230))
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "sent")
    assert sorted(receiver.accepted) == world.people(230)
    assert world.states(campaign_id) == {"sent": 230}
    assert world.campaign(campaign_id).batch_count == 5
    assert receiver.most_open == 2
    assert b"Hello person0007" in receiver.bodies["person0007@example.org"]
