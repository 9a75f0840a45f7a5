"""The whole web application, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from core import crypto, db
from core.models import Message, MessageState
from tests import rows
from tests.conftest import Stack

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from starlette.testclient import TestClient
from campaign_ui.app import create_app
from core import db

with TestClient(create_app()) as web:
    db.connect("sqlite:////nowhere/at/all.db")
    assert web.get(sys.argv[1]).headers["content-type"] == "image/gif"
    db.connect()
"""


def test_opens_that_wait_in_memory_are_stored_when_the_program_ends(sqlite_stack: Stack) -> None:
    with db.session() as session:
        _, (message_id,) = rows.sent_campaign(session, rows.user(session), [MessageState.sent])
    url = f"/t/o/{crypto.sign('open', message_id)}.gif"
    env = {**os.environ, **sqlite_stack.env}
    done = subprocess.run([sys.executable, "-c", PROGRAM, url], env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with db.reading() as session:
        assert session.get_one(Message, message_id).opened_at is not None
