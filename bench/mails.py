"""The mails of all benchmarks: HTML of 3 or 30 KB with 10 links, an open pixel and 3 merge fields."""

import json

from core import clock
from core.content import mail

SIZES = {"3 KB": 3_000, "30 KB": 30_000}
SUBJECT = "Hello {{ first_name }}"
_LINK = '<p class="offer"><a href="https://example.com/offer/{n}">Offer number {n} of this week</a></p>\n'
_RULE = "  .block{n} td {{ padding: 4px 8px; border: 1px solid #dddddd; color: #333333 }}\n"


def body(size: int) -> str:
    """HTML of about ``size`` bytes. As in real newsletters most of a large one is style and little is text."""
    text = (
        "<h1>Hello {{ first_name }}</h1>\n"
        + "".join(_LINK.format(n=n) for n in range(10))
        + "<p>Greetings to {{ city }}, {{ last_name }}.</p>\n<p>"
        + "We thought you would like to know. " * 25
        + "</p></body></html>"
    )
    head, closing = "<html><head><style>\n  p { font: 16px sans-serif }\n", "</style></head><body>"
    rules, number = "", 0
    while len(head) + len(rules) + len(closing) + len(text) < size:
        rules, number = rules + _RULE.format(n=number), number + 1
    return head + rules + closing + text


def fields(number: int) -> dict[str, str]:
    """Merge fields of recipient ``number`` (stand.people says the same in SQL); one name in ten is not ASCII."""
    return {"first_name": f"First{number}", "last_name": "Last" if number % 10 else "Müller", "city": "Pune"}


def one(size: int) -> bytes:
    """A mail as the product makes it."""
    content = mail.Content(
        subject=SUBJECT,
        preheader="",
        body=body(size),
        body_kind="html",
        from_name="Anna",
        from_address="news@example.com",
        reply_to="",
        base_url="http://127.0.0.1:9",
        campaign_id=1,
        user_id=1,
    )
    return mail.compile_mail(content).render(mail.Recipient(1, "person1@example.com", fields(1)), clock.utcnow())


def as_json(size: int) -> str:
    """The same for another program: subject, html and text with their merge fields, and the pixel."""
    pixel = '<img src="http://127.0.0.1:9/t/o/token.gif" width="1" height="1" alt="">'
    text = "Hello {{ first_name }}\n" + "".join(f"Offer {n}: https://example.com/offer/{n}\n" for n in range(10))
    text += "Greetings to {{ city }}, {{ last_name }}.\n" + "We thought you would like to know. " * 25
    return json.dumps({"subject": SUBJECT, "text": text, "html": body(size).replace("</body>", f"{pixel}</body>")})
