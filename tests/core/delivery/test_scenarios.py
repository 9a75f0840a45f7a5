"""What the sandbox plays, on a clock of our own."""

import pytest

from core.delivery import scenarios
from core.delivery.replies import classify
from core.delivery.scenarios import Play
from core.errors import RuleError


def kind(refusal: str | None, phase: str = "rcpt") -> str:
    assert refusal is not None
    return classify(phase, int(refusal[:3]), "", refusal[4:]).kind


def test_a_limit_counts_any_window_and_says_how_long_it_is_full() -> None:
    play = Play(scenarios.get("rate"))
    assert [play.mail(float(second)) for second in range(30)] == [None] * 30
    refusal = play.mail(31.5)
    assert kind(refusal, "mail") == "throttle_rate" and refusal and "try again in 29 seconds" in refusal
    assert play.mail(60.0) is None and play.mail(60.5) is not None  # the first has left the window, the second not


def test_greylisting_takes_the_second_try_but_not_a_hasty_one() -> None:
    play = Play(scenarios.get("greylisting"))
    assert kind(play.rcpt("Anna@example.com", 0.0)) == "greylist"
    assert play.rcpt("anna@example.com", 5.0) is not None
    assert play.rcpt("anna@example.com", 30.0) is None and play.rcpt("anna@example.com", 31.0) is None


def test_dead_mailboxes_are_about_one_in_a_hundred() -> None:
    play = Play(scenarios.get("dead"))
    answers = [play.rcpt(f"person{number}@example.com", 0.0) for number in range(5_000)]
    refused = [answer for answer in answers if answer]
    assert 30 <= len(refused) <= 70 and {kind(answer) for answer in refused} == {"bad_recipient"}
    assert play.rcpt("person0@example.com", 0.0) == answers[0]


def test_a_quota_counts_what_was_taken() -> None:
    play = Play(scenarios.get("quota"))
    for _ in range(40):
        assert play.mail(0.0) is None
        play.taken()
    assert kind(play.mail(0.0), "mail") == "quota_day" and play.mail(90_000.0) is not None


def test_no_mail_is_dropped_twice() -> None:
    play = Play(scenarios.get("drop_before"))
    assert [number for number in range(1, 31) if play.drops(f"person{number}@example.com")] == [10, 20, 30]
    assert not any(play.drops("person10@example.com") for _ in range(20))


@pytest.mark.parametrize("scenario", scenarios.ALL.values(), ids=list(scenarios.ALL))
def test_each_says_in_sentences_what_it_does_and_what_one_will_see(scenario: scenarios.Scenario) -> None:
    for sentence in (scenario.story, scenario.shows):
        assert sentence.endswith(".") and "!" not in sentence
    assert scenarios.get(scenario.key) is scenario


def test_there_is_no_other() -> None:
    with pytest.raises(RuleError, match="no such provider"):
        scenarios.get("gmail")
