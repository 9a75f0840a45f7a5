"""A believable account: people, lists, a provider, campaigns of the last two weeks, one going out now."""

import random
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from core import accounts, campaigns, db
from core.audience import contacts, parse
from core.content import starters
from core.delivery import senders
from core.models import (
    Activity,
    Attempt,
    Campaign,
    CampaignLink,
    CampaignList,
    CampaignStatus,
    LinkClick,
    Message,
    MessageState,
    Reading,
    Sender,
)

EMAIL, PASSWORD = "anna@harbourbooks.example", "a long enough password"
_FIRST = "Aarav Anna Bela Chen Diya Elena Farid Grace Hana Ivan Jonas Kavya Leila Marta Noor Omar Priya Rosa Sara Tomas"
_LAST = "Sharma Novak Silva Chen Patel Rossi Haddad Kim Sato Petrov Weber Iyer Aziz Kowalski Khan Diaz Rao Lopez Ek"
_CITIES = "Pune Mumbai Berlin Lisbon Lagos Osaka Kochi Toronto Delhi Austin"
_HOSTS = "example.com example.org example.net mail.example post.example"
_REFUSALS = [
    (550, "5.1.1 The email account that you tried to reach does not exist", "bad_recipient"),
    (552, "5.2.2 The recipient's mailbox is full", "recipient_full"),
    (554, "5.7.1 Message rejected under policy", "policy"),
]
_PAST = [
    ("Welcome back to the harbour", 13, 4_120, 0.012, 0.47),
    ("Diwali reading list", 11, 5_060, 0.006, 0.52),
    ("Members evening: invitation", 8, 1_240, 0.004, 0.61),
    ("New arrivals, week 46", 5, 5_118, 0.007, 0.44),
    ("New arrivals, week 47", 2, 5_102, 0.005, 0.39),
]


def fill() -> int:
    """Everything but the running campaign; returns the user's id. The same on every run."""
    chance = random.Random(7)
    with db.session() as session:
        user = accounts.sign_up(session, EMAIL, PASSWORD, "Asia/Kolkata")
        user_id = user.id or 0
        senders.add_sandbox(session, user_id).is_default = False
        sender = _sender(session, user_id)
    for name, count in (("Newsletter readers", 5_120), ("Members", 1_240), ("Press", 84)):
        contacts.store(user_id, parse.parse_text(_people(chance, count)), name)
    for name, days, count, failed, opened in _PAST:
        with db.session() as session:
            _past(session, chance, user_id, sender, (name, days, count, failed, opened))
    with db.session() as session:
        _upcoming(session, user_id, sender)
    return user_id


def start_one(user_id: int) -> int:
    """A campaign to everybody through the sandbox, started now; returns its id."""
    with db.session() as session:
        sandbox = session.exec(select(Sender).where(col(Sender.user_id) == user_id, col(Sender.is_sandbox))).one()
        sandbox.per_minute, sandbox.delay_seconds, sandbox.from_name = 1_800, 0, "Harbour Books"
        made = _campaign(session, user_id, sandbox, "November newsletter", "newsletter")
        _choose(session, user_id, made, "Newsletter readers")
        campaigns.send_now(session, user_id, made.id or 0)
        return made.id or 0


def _people(chance: random.Random, count: int) -> str:
    rows = []
    for number in range(count):
        first, last = chance.choice(_FIRST.split()), chance.choice(_LAST.split())
        host = chance.choice(_HOSTS.split())
        rows.append(f"{first} {last} <{first}.{last}{number}@{host}>".replace("..", "."))
    return "\n".join(rows)


def _sender(session: Session, user_id: int) -> Sender:
    made = Sender(
        user_id=user_id,
        name="Hostinger",
        preset="hostinger",
        host="smtp.hostinger.com",
        port=465,
        security="tls",
        username=EMAIL,
        from_name="Harbour Books",
        from_address=EMAIL,
        is_default=True,
        test_problem="",
        created_at=db.now(session),
    )
    session.add(made)
    session.flush()
    return made


def _campaign(session: Session, user_id: int, sender: Sender, name: str, starter: str) -> Campaign:
    chosen = next((one for one in starters.all() if one.key == starter), starters.all()[0])
    now = db.now(session)
    made = Campaign(
        user_id=user_id,
        name=name,
        subject=chosen.subject,
        preheader=chosen.preheader,
        body=chosen.body,
        body_kind=chosen.body_kind,
        sender_id=sender.id,
        time_zone="Asia/Kolkata",
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    session.flush()
    return made


def _choose(session: Session, user_id: int, campaign: Campaign, name: str) -> None:
    chosen = next(one for one in contacts.lists(session, user_id) if one.name == name)
    session.add(CampaignList(campaign_id=campaign.id or 0, list_id=chosen.id or 0))
    session.flush()


def _past(
    session: Session, chance: random.Random, user_id: int, sender: Sender, told: tuple[str, int, int, float, float]
) -> None:
    name, days, count, failed_share, opened_share = told
    made = _campaign(session, user_id, sender, name, "announcement")
    begun = (db.now(session) - timedelta(days=days)).replace(hour=4, minute=30, second=0, microsecond=0)
    failed, opened = round(count * failed_share), round(count * opened_share)
    made.status, made.snapshot_done = CampaignStatus.sent, True
    made.scheduled_at = made.started_at = begun
    made.finished_at = begun + timedelta(minutes=count / 30)
    made.recipients_count, made.failed_count, made.sent_count = count, failed, count - failed
    made.opened_count, made.batch_count = opened, count // 50 + 1
    hours = count // 1_800 + 1
    for hour in range(hours):
        row = Activity(campaign_id=made.id or 0, hour_at=begun.replace(minute=0) + timedelta(hours=hour))
        row.sent_count, row.opened_count = made.sent_count // hours, opened // hours
        row.failed_count = failed // hours
        session.add(row)
    _readers(session, chance, made, begun)
    for number in range(60):
        _message(session, chance, made, sender, number, begun, refused=number % 9 == 4 and number // 9 < failed)
    for number in range(60, 60 + failed - min(7, failed)):
        _message(session, chance, made, sender, number, begun, refused=True)


def _readers(session: Session, chance: random.Random, campaign: Campaign, begun: datetime) -> None:
    """Most open in the first hours, by day rather than at night; some click."""
    counts: dict[datetime, list[int]] = {}
    campaign_id, clicked, now = campaign.id or 0, 0, db.now(session)
    for _ in range(campaign.opened_count):
        at = begun + timedelta(hours=chance.expovariate(1 / 9))
        if 18 <= at.hour or at.hour < 1:  # night in Kolkata
            at += timedelta(hours=chance.uniform(7, 12))
        at = min(at, now).replace(minute=min(at, now).minute // 15 * 15, second=0, microsecond=0)
        follows = chance.random() < 0.21
        clicked += follows
        both = counts.setdefault(at, [0, 0])
        both[0] += 1
        both[1] += follows
    for at, (opened, clicks) in counts.items():
        session.add(Reading(campaign_id=campaign_id, quarter_at=at, opened_count=opened, clicked_count=clicks))
    campaign.clicked_count = clicked
    for path, share in (("", 0.4), ("/new", 0.7), ("/members", 0.2), ("/events/evening-reading", 0.1)):
        link = CampaignLink(campaign_id=campaign_id, url=f"https://harbourbooks.example{path}")
        session.add(link)
        session.flush()
        for number in range(int(clicked * share)):
            session.add(LinkClick(link_id=link.id or 0, message_id=number + 1, at=begun))


def _message(
    session: Session,
    chance: random.Random,
    campaign: Campaign,
    sender: Sender,
    number: int,
    begun: datetime,
    *,
    refused: bool,
) -> None:
    first, last = chance.choice(_FIRST.split()).lower(), chance.choice(_LAST.split()).lower()
    row = Message(
        campaign_id=campaign.id or 0,
        sender_id=sender.id or 0,
        email=f"{first}.{last}{number}@example.com",
        domain="example.com",
        retry_at=begun,
        state=MessageState.sent,
        attempts=1,
        sent_at=begun + timedelta(seconds=2 * number),
        reply_code=250,
        reply="2.0.0 Ok: queued",
        phase="dot",
    )
    if refused:
        row.state, row.sent_at, row.phase = MessageState.failed, None, "rcpt"
        row.reply_code, row.reply, row.kind = chance.choice(_REFUSALS)
    session.add(row)
    session.flush()
    if row.state == MessageState.failed:
        refusal = Attempt(message_id=row.id or 0, campaign_id=row.campaign_id, at=begun, phase=row.phase)
        refusal.reply_code, refusal.reply, refusal.kind = row.reply_code, row.reply, row.kind
        session.add(refusal)


def _upcoming(session: Session, user_id: int, sender: Sender) -> None:
    due = (db.now(session) + timedelta(days=5)).replace(hour=3, minute=57, second=0, microsecond=0)
    scheduled = _campaign(session, user_id, sender, "Black Friday early access", "invitation")
    scheduled.status, scheduled.scheduled_at = CampaignStatus.scheduled, due
    _choose(session, user_id, scheduled, "Members")
    draft = _campaign(session, user_id, sender, "December reading list", "newsletter")
    draft.subject = '{{ first_name | default: "Reader" }}, your December reading list'
    _choose(session, user_id, draft, "Newsletter readers")
