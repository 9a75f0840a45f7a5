import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import make_url

from core import config
from core.errors import StartError
from tests import forked
from tests.servers import free_port

ROOT = Path(__file__).parents[2]


def test_the_readme_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert named == {field.name.upper() for field in fields(config.Settings)}


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"WORKER": "external"}, "needs REDIS_URL"),
        ({"WORKER": "none"}, "WORKER must be one of"),
        ({"DATABASE_URL": "mysql://anna:secret@h/d"}, "postgresql://.*, not mysql://[.]$"),
        ({"DATABASE_URL": "nonsense"}, "must start with postgresql://"),
        ({"DATABASE_URL": "postgresql://h:port/d"}, "cannot be read"),
        ({"PORT": "eighty"}, "PORT must be a number"),
        ({"BASE_URL": "mail.example.com"}, "must be an address that starts with http"),
        ({"BASE_URL": "http://[::1"}, "must be an address that starts with http"),
        ({"BASE_URL": "https://example.com/mail"}, "a host of its own"),
        ({"REDIS_URL": "http://h:6379"}, "must start with redis://"),
        ({"SECRET_KEY": "short"}, "at least 16"),
        ({"METRICS_TOKEN": "short"}, "at least 16"),
        ({"SMTP_ALLOW_PRIVATE": "perhaps"}, "yes or no"),
        ({"FORWARDED_ALLOW_IPS": "10.0.0.7, proxy.example.com"}, "addresses or networks .*'proxy.example.com'"),
    ],
)
def test_a_setting_that_cannot_work_refuses_to_start_with_a_sentence(env: dict[str, str], sentence: str) -> None:
    with pytest.raises(StartError, match=sentence):
        config.load(env)


@pytest.mark.parametrize("script", ["main.py", "huey_worker.py"])
def test_the_program_says_the_sentence_and_no_traceback(script: str, tmp_path: Path) -> None:
    env = {**os.environ, "WORKER": "external", "DATA_DIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, script], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert (
        ended.stderr.strip() == "WORKER=external needs REDIS_URL: without Redis the worker would not hear of new mail."
    )


@pytest.mark.parametrize("script", ["main.py", "huey_worker.py"])
def test_a_data_dir_that_cannot_be_made_is_said_in_a_sentence(script: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = {**os.environ, "DATA_DIR": str(tmp_path / "file" / "data"), "PORT": "1"}
    code, said = forked.ended(*forked.start(script, env))
    assert code == 2 and "Traceback" not in said
    assert said.startswith(f"DATA_DIR {tmp_path}/file/data cannot be used: not a directory.")


@pytest.mark.parametrize("script", ["main.py", "huey_worker.py"])
def test_a_database_that_lets_nobody_in_is_said_in_a_sentence(script: str, tmp_path: Path, postgres_url: str) -> None:
    url = make_url(postgres_url).set(database="nothing").render_as_string(hide_password=False)
    where = {"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"}
    env = {**os.environ, **where, "DATA_DIR": str(tmp_path), "PORT": str(free_port())}
    code, said = forked.ended(*forked.start(script, env))
    assert code == 2, said
    assert said.startswith("PostgreSQL cannot be used: connection to server")
    assert said.endswith('database "nothing" does not exist. Change DATABASE_URL.\n')


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_spellings_of_postgresql_mean_psycopg2(scheme: str) -> None:
    assert config.load({"DATABASE_URL": f"{scheme}://h/d"}).sqlalchemy_url == "postgresql+psycopg2://h/d"


@pytest.mark.parametrize(
    ("host", "base_url", "local"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("localhost", "http://127.0.0.1:8080", True),
        ("0.0.0.0", "", False),
        ("127.0.0.1", "https://mail.example.com", False),  # behind a proxy on this machine
    ],
)
def test_private_mail_servers_are_allowed_by_default_only_where_this_machine_alone_is_reached(
    host: str, base_url: str, local: bool
) -> None:
    assert config.load({"HOST": host, "BASE_URL": base_url}).smtp_allow_private is local
