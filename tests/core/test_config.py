import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from core import config
from core.errors import StartError

ROOT = Path(__file__).parents[2]


def test_the_readme_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert named == {field.name.upper() for field in fields(config.Settings)}


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"WORKER": "external"}, "needs REDIS_URL"),
        ({"WORKER": "none"}, "WORKER must be one of"),
        ({"PORT": "eighty"}, "PORT must be a number"),
        ({"BASE_URL": "mail.example.com"}, "must start with http"),
        ({"SECRET_KEY": "short"}, "at least 16"),
        ({"SMTP_ALLOW_PRIVATE": "perhaps"}, "yes or no"),
    ],
)
def test_a_setting_that_cannot_work_refuses_to_start_with_a_sentence(env: dict[str, str], sentence: str) -> None:
    with pytest.raises(StartError, match=sentence):
        config.load(env)


@pytest.mark.parametrize("script", ["main.py", "huey_worker.py"])
def test_the_program_says_the_sentence_and_no_traceback(script: str, tmp_path: Path) -> None:
    env = {**os.environ, "WORKER": "external", "DATA_DIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, script], cwd=ROOT, env=env, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert (
        ended.stderr.strip() == "WORKER=external needs REDIS_URL: without Redis the worker would not hear of new mail."
    )


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_spellings_of_postgresql_mean_psycopg2(scheme: str) -> None:
    assert config.load({"DATABASE_URL": f"{scheme}://h/d"}).sqlalchemy_url == "postgresql+psycopg2://h/d"


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_private_mail_servers_are_allowed_by_default_only_on_a_loopback_host(host: str, loopback: bool) -> None:
    assert config.load({"HOST": host}).smtp_allow_private is loopback
