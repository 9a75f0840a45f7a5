"""The administrator's own rules: first, read again when they change, and never in the way of the program."""

import os
import re
from pathlib import Path

import pytest

from core import config
from core.delivery import replies, rulebook
from tests.conftest import Stack

OWN = """
[[rule]]
id = "ours"
phases = ["rcpt"]
pattern = "we know you"
kind = "quota_day"
explanation = "They know us. We wait."
"""


def write(text: str) -> Path:
    """The file as an administrator leaves it, and the second after which it is looked at is over."""
    path = config.settings.data_dir / rulebook.FILE
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns + 1 + len(text)))
    rulebook._watch(path)._looked_at = float("-inf")
    return path


def kind(text: str) -> str:
    return replies.classify("rcpt", 550, "", text).kind


def test_the_administrators_rules_come_first_and_a_change_counts_at_once(sqlite_stack: Stack) -> None:
    said = "5.1.1 user unknown, WE KNOW YOU"
    assert kind(said) == "bad_recipient"
    path = write(OWN)
    verdict = replies.classify("rcpt", 550, "", said)
    assert (verdict.kind, verdict.rule_id, verdict.explanation) == ("quota_day", "ours", "They know us. We wait.")
    write(OWN.replace("quota_day", "policy"))
    assert kind(said) == "policy"
    path.unlink()
    rulebook._watch(path)._looked_at = float("-inf")
    assert kind(said) == "bad_recipient"


def test_the_file_is_not_looked_at_for_every_reply(sqlite_stack: Stack) -> None:
    said = "5.1.1 user unknown, WE KNOW YOU"
    path = write("")
    assert kind(said) == "bad_recipient"
    path.write_text(OWN)
    assert kind(said) == "bad_recipient"  # within the same second


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('[[rule]]\nid = "x"\nkind = "gone"\ncodes = ["550"]\n', "there is no kind 'gone'"),
        ('[[rule]]\nkind = "auth"\ncodes = ["550"]\n', "needs an id"),
        ('[[rule]]\nid = "x"\nkind = "auth"\nphase = ["rcpt"]\n', "nobody knows phase"),
        ('[[rule]]\nid = "x"\nkind = "auth"\nphases = ["to"]\n', "phases is a list of texts"),
        ('[[rule]]\nid = "x"\nkind = "auth"\ncodes = [550]\n', "codes is a list of texts"),
        ('[[rule]]\nid = "x"\nkind = "auth"\nenhanced = ["nine"]\n', "enhanced is a list of texts"),
        ('[[rule]]\nid = "x"\nkind = "auth"\npattern = "(unclosed"\n', "no regular expression"),
        ("[[rule]]\nid = 'x'\nkind = 'auth'\npattern = '(a+)+b'\n", "take for ever"),
        ("[[rule]]\nid = 'x'\nkind = 'auth'\npattern = '(a|aa)+b'\n", "take for ever"),
        ("[[rule]]\nid = 'x'\nkind = 'auth'\npattern = '\\S+x'\n", "means the opposite"),
        ('[[rule]]\nid = "x"\nkind = "auth"\n', "fit every reply"),
        ('[sentences]\nnothing = "x"\n', "there is no such kind"),
        ("rule = 3", "write it as a table"),
    ],
)
def test_a_rule_that_is_wrong_is_explained_and_left_out_alone(
    sqlite_stack: Stack, caplog: pytest.LogCaptureFixture, wrong: str, said: str
) -> None:
    write(wrong if wrong.startswith("rule") else wrong + OWN)
    assert kind("5.1.1 user unknown") == "bad_recipient"
    if not wrong.startswith("rule"):
        assert kind("5.1.1 user unknown, we know you") == "quota_day"
    assert said in caplog.text and "It is left out." in caplog.text


def test_a_file_that_cannot_be_read_leaves_the_rules_from_before(
    sqlite_stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    write(OWN)
    assert kind("we know you") == "quota_day"
    write(OWN + "\n[[rule\n")
    assert kind("we know you") == "quota_day"
    assert "the rules from before stay in force" in caplog.text and "line" in caplog.text


def test_a_file_that_was_wrong_from_the_beginning_is_left_out(
    sqlite_stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    write("not toml")
    assert kind("5.1.1 user unknown") == "bad_recipient"
    assert "it is left out" in caplog.text


def test_the_documented_example_works(sqlite_stack: Stack) -> None:
    text = (Path(__file__).parents[3] / "docs" / "reply_rules.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    found: list[str] = []
    rules = rulebook.read(example, found)
    assert not found and len(rules.ordered) == 3
    write(example)
    assert replies.classify("rcpt", 550, "", "Hello from Acme: come back on Monday").kind == "quota_day"
    assert replies.classify("dot", 554, "", "5.7.1 internal code ACM-17").rule_id == "acme-spam"
    assert replies.explain("", "policy").startswith("Acme")
    for name in sorted(replies.KINDS) + list(replies.PHASES):
        assert f"`{name}`" in text
