"""What the user types about a sender, and what is wrong with it."""

import math
from dataclasses import dataclass
from typing import Any

import email_validator

from core.delivery import warmup, windows
from core.errors import RuleError
from core.models import Security

_TEXTS = {"name": 200, "host": 255, "username": 320, "from_name": 200, "from_address": 320, "reply_to": 320}
_LIMITS = {
    "per_second": ("Mails per second", True, 1, 10_000),
    "domain_per_minute": ("Mails per minute to one domain", True, 1, 60_000),
    "per_minute": ("Mails per minute", True, 1, 60_000),
    "per_hour": ("Mails per hour", True, 1, 10_000_000),
    "per_day": ("Mails per day", True, 1, 100_000_000),
    "connections": ("Connections", False, 1, 50),
    "batch_size": ("Batch size", False, 1, 1_000),
    "refresh_after": ("New connection every", False, 1, 100_000),
}


class Invalid(RuleError):
    """What was typed cannot work: ``problems`` is field name -> sentence."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True)
class Values:
    """What the user types. Limits: None = no limit. ``password`` None = keep the one there is, "" = no sign-in.

    ``sending_window``, ``warmup``: as ``windows.from_json`` and ``warmup.from_json`` read them.
    """

    name: str = ""
    host: str = ""
    port: int | None = 587
    security: str = Security.starttls
    username: str = ""
    password: str | None = None
    from_name: str = ""
    from_address: str = ""
    reply_to: str = ""
    per_minute: int | None = 30
    per_hour: int | None = None
    per_day: int | None = None
    per_second: int | None = None
    domain_per_minute: int | None = None
    sending_window: dict[str, Any] | None = None
    warmup: dict[str, Any] | None = None
    connections: int | None = 2
    delay_seconds: float | None = 4.0
    batch_size: int | None = 50
    refresh_after: int | None = 500
    preset: str = "other"


def problems(values: Values) -> dict[str, str]:
    """Field name -> sentence for everything that cannot work; empty when all can."""
    found = {}
    for name, limit in _TEXTS.items():
        text = getattr(values, name)
        if len(text) > limit or any(ord(char) < 32 or ord(char) == 127 for char in text):
            found[name] = f"This may have at most {limit} characters, without line breaks."
    if not values.name.strip():
        found["name"] = "Give the sender a name, as “Newsletter”."
    host = values.host.strip()
    if not host:
        found["host"] = "Enter the host of your mail server, as smtp.example.com."
    elif any(char in host for char in " /@\\") or "://" in host or (host.count(":") == 1):
        found["host"] = "Enter only the name of the server, as smtp.example.com."
    if values.port is None or not 1 <= values.port <= 65535:
        found["port"] = "The port is a number from 1 to 65,535; common are 587 and 465."
    if values.security not in set(Security):
        found["security"] = "Choose STARTTLS, TLS or none."
    for name, label in (("from_address", "From address"), ("reply_to", "Reply-To")):
        text = getattr(values, name).strip()
        if name not in found and (text or name == "from_address") and (sentence := _address_problem(text, label)):
            found[name] = sentence
    for name, (label, optional, least, most) in _LIMITS.items():
        number = getattr(values, name)
        if (number is None and not optional) or (number is not None and not least <= number <= most):
            found[name] = f"{label} must be from {least:,} to {most:,}{', or empty for no limit' if optional else ''}."
    for name, check in (("sending_window", windows.from_json), ("warmup", warmup.from_json)):
        try:
            check(getattr(values, name))
        except RuleError as error:
            found[name] = str(error)
    delay = values.delay_seconds
    if delay is None or not math.isfinite(delay) or not 0 <= delay <= 3600:
        found["delay_seconds"] = "The delay is from 0 to 3,600 seconds."
    if values.password and len(values.password) > 1000:
        found["password"] = "The password may have at most 1,000 characters."
    return found


def _address_problem(text: str, label: str) -> str:
    if not text:
        return f"Enter the {label}, as news@example.com."
    try:
        found = email_validator.validate_email(text, check_deliverability=False)
    except email_validator.EmailNotValidError as error:
        return f"{label} is not an email address: {error}"
    if not found.local_part.isascii():
        return f"{label} has letters beyond a–z before the @ sign, which many mail servers refuse. Use another one."
    return ""
