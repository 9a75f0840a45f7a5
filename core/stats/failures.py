"""Why mails failed, grouped by what the servers meant, in their words, and what to do."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, text
from sqlmodel import Session, select

from core.audience import addresses
from core.delivery import replies
from core.models import Message, Suppression
from core.stats.counts import summary

_message: Any = Message.__table__  # type: ignore[attr-defined]
_suppression: Any = Suppression.__table__  # type: ignore[attr-defined]
_READ = 200  # replies of a reason, the latest, that are looked at for their wording
_SHOWN = 3
_FEW = 3  # mails: of fewer their domains tell nothing
_SAID = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_TOKEN = re.compile(r"\b(?![\d.]+\b)(?=[\w.-]*\d)[\w.-]{7,}(?<![.-])")  # an IP address tells something

_ADVICE = {
    "bad_recipient": "Nothing to do: the address is on your suppression list. If it was mistyped, add the right one.",
    "recipient_full": "Retry in some days. A mailbox that stays full is usually abandoned.",
    "recipient_rate": "Retry later; this person gets too much mail at the moment.",
    "greylist": "Retry: the server had asked to come back later and was not reached in time.",
    "temporary": "Retry: the trouble was passing, but lasted longer than all attempts.",
    "suppressed_by_provider": "Remove the address from your provider’s own list there, then retry.",
    "policy": "Check SPF, DKIM and DMARC of your From domain and whether your server is on a block list, then retry.",
    "content": "Change the content in a copy of the campaign: links and wording are what filters look at.",
    "too_big": "Make images smaller or fewer in a copy of the campaign.",
    "protocol": "Report it to whoever runs this server, with the words above.",
    "permanent": "Read the server’s words. If they name no lasting reason, retry once.",
}
_LEFT_OUT = "Read the server’s words and mend what it complains of, or ask its administrator. Then retry."
_BAD_MAIL = "Look at this recipient’s merge fields and address."


@dataclass(frozen=True)
class Failure:
    """``explanation``: what the servers meant; ``advice``: what to do. ``suppressed``: of ``count``, what is never sent
    again because its address is on the suppression list.

    ``replies``: how they said it, most frequent first, as (words, how many of the latest 200 of this reason): addresses
    and numbers of single mails are written as ``…``. ``domains``: of which recipients, in the same way.
    """

    count: int
    kind: str
    rule_id: str
    explanation: str
    advice: str
    replies: tuple[tuple[str, int], ...]
    domains: tuple[tuple[str, int], ...]
    suppressed: int = 0

    @property
    def can_retry(self) -> int:
        """How many mails may be sent again."""
        return max(0, self.count - self.suppressed)

    @property
    def where(self) -> str:
        """``All at web.de.`` or ``Most at gmx.de (150), web.de (30).``; nothing of very few."""
        shown = [(addresses.shown_domain(domain), count) for domain, count in self.domains]
        if self.count < _FEW or not shown:
            return ""
        if len(shown) == 1:
            return f"All at {shown[0][0]}."
        return f"Most at {', '.join(f'{domain} ({count:,})' for domain, count in shown)}."


def failures(session: Session, user_id: int, campaign_id: int) -> list[Failure]:
    """The reasons of one campaign's failures, most frequent first. Raises NotFound."""
    summary(session, user_id, campaign_id)
    number = func.count().label("number")
    # In the words of the index: with a parameter SQLite reads every failed row.
    failed = (_message.c.campaign_id == campaign_id, text("state = 'failed'"))
    grouped = select(_message.c.kind, _message.c.rule_id, number).where(*failed)
    grouped = grouped.group_by(_message.c.kind, _message.c.rule_id).order_by(number.desc(), _message.c.rule_id)
    found, suppressed = [], _suppressed(session, user_id, failed)
    for kind, rule_id, count in session.execute(grouped.limit(20)).all():
        # Apart from the count: that is in the index, the words are in the rows.
        alike = select(_message.c.reply_code, _message.c.reply, _message.c.domain)
        alike = alike.where(*failed, _message.c.kind == kind, _message.c.rule_id == rule_id)
        latest = session.execute(alike.order_by(_message.c.id.desc()).limit(_READ)).all()
        said, domains = wordings((code, words) for code, words, _ in latest), Counter(row.domain for row in latest)
        explanation = replies.explain(rule_id, kind)
        never = suppressed.get((kind, rule_id), 0)
        found.append(
            Failure(int(count), kind, rule_id, explanation, advice(kind, rule_id), said, _most(domains), never)
        )
    return found


def _suppressed(session: Session, user_id: int, failed: tuple[Any, ...]) -> dict[tuple[str, str], int]:
    """By reason, how many went to addresses that are on the user's suppression list."""
    listed = (_suppression.c.user_id == user_id) & (_suppression.c.email == _message.c.email)
    grouped = select(_message.c.kind, _message.c.rule_id, func.count()).select_from(_message.join(_suppression, listed))
    found = session.execute(grouped.where(*failed).group_by(_message.c.kind, _message.c.rule_id))
    return {(kind, rule_id): int(count) for kind, rule_id, count in found}


def advice(kind: str, rule_id: str) -> str:
    """What the user can do about failures of this kind."""
    own = {"bad_mail": _BAD_MAIL, replies.LEFT_OUT: _LEFT_OUT}
    return own.get(rule_id) or _ADVICE.get(kind, _ADVICE["permanent"])


def wordings(said: Iterable[Any]) -> tuple[tuple[str, int], ...]:
    """(code or None, words) of many replies -> the most frequent ones, alike but for what names one mail."""
    found = Counter(_alike(replies.with_code(code, words)) for code, words in said)
    return _most(found)


def _most(found: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple((words, count) for words, count in found.most_common(_SHOWN) if words)


def _alike(words: str) -> str:
    return " ".join(_TOKEN.sub("…", _SAID.sub("…", words)).split())
