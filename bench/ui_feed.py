"""The last step of a worker: a counter changes, and after the commit the hint goes out.

``python -m bench.ui_feed`` is a process that does it whenever it reads "USER CAMPAIGN"; ``… web`` does it inside
main.py, where the worker lives on SQLite. It answers "changed COUNT AT" with the count that the screens must show and
the moment (time.time()) of its commit. "wake" is the hint that there is mail to send.
"""

import sys
import threading
import time

from sqlalchemy import update
from sqlmodel import col

import main
from core import config, db, live
from core.models import Campaign


def listen() -> None:
    for line in sys.stdin:
        if line.strip() == "wake":
            live.wake()
        else:
            user_id, campaign_id = map(int, line.split())
            print("changed", *_change(user_id, campaign_id), flush=True)


def _change(user_id: int, campaign_id: int) -> tuple[int, float]:
    with db.session() as session:
        counters = {"sent_count": Campaign.sent_count + 1, "pending_count": Campaign.pending_count - 1}
        own = (col(Campaign.id) == campaign_id, col(Campaign.user_id) == user_id)
        changed = update(Campaign).where(*own).values(**counters)
        count = session.execute(changed.returning(col(Campaign.sent_count))).scalar_one()
    at = time.time()
    live.publish(user_id, "campaign", campaign_id)
    return count, at


if sys.argv[1:] == ["web"]:
    threading.Thread(target=listen, daemon=True).start()
    main.main()
else:
    print(f"feeds {config.settings.sqlalchemy_url.partition(':')[0]}", flush=True)
    listen()
