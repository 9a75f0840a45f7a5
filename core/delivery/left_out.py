"""Mails for a domain that is left out of their campaign (``campaigns.refusing`` says which): they fail untried."""

import json
from collections.abc import Iterable
from functools import cache

from sqlmodel import Session

from core import db, hot
from core.delivery.replies import LEFT_OUT
from core.delivery.tally import Tally

KIND = "policy"
# What its server said; null for a domain that is not left out. Not EXISTS, for the reason of ledger.NOT_SUPPRESSED.
REASON = """
    (select refusing_domain.reply from refusing_domain
      where refusing_domain.campaign_id = message.campaign_id and refusing_domain.domain = message.domain)
"""
# ``retry_at`` tells when.
FAILED = f"""
    retry_at = :now, state = 'failed', kind = '{KIND}', rule_id = '{LEFT_OUT}', phase = '', reply_code = null,
    reply = case when message.attempts > 0 then 'Not tried again' else 'Not tried' end
            || ', as ' || message.domain || ' refused others: ' || {REASON}
"""


def fail(session: Session, ids: Iterable[int], tally: Tally) -> set[int]:
    """Those of these pending messages that are for such a domain fail; returns their ids."""
    on = hot.within(session)
    failed = on.rows(_fail_statement(on.dialect), ids=json.dumps(sorted(ids)), now=on.now())
    for _, campaign_id in failed:
        tally.moved(campaign_id, "pending", "failed")
    return {message_id for message_id, _ in failed}


@cache
def _fail_statement(dialect: str) -> str:
    return f"""
        update message set {FAILED}
        where id in {db.each_in(dialect, "ids")} and {db.by_key(dialect, "state")} = 'pending' and {REASON} is not null
        returning id, campaign_id
    """
