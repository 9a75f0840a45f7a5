import random

from hypothesis import given, settings
from hypothesis import strategies as st

from core.delivery.domains import GROUPS, Domains, group_of
from tests.core.delivery.test_pace import most_in_any


def test_domains_of_one_provider_count_together() -> None:
    assert group_of("Anna@GoogleMail.com") == group_of("ben@gmail.com") == "gmail.com"
    assert group_of("x@hotmail.com") == "outlook.com"
    assert group_of("x@example.org") == "example.org"
    named = [domain for domains in GROUPS.values() for domain in domains]
    assert len(named) == len(set(named)) and not set(named) & set(GROUPS)


def drive(domains: Domains, begin: float, end: float, late: random.Random) -> list[float]:
    starts, now = [], begin
    while now < end:
        now = max(now, domains.free_at("gmail.com"))
        domains.reserve("gmail.com", now)
        now = max(now + late.random() * 2, domains.clear_at("gmail.com"))  # the sender's own slot
        domains.started("gmail.com", now)
        starts.append(now)
    return starts


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(0, 2**32))
def test_the_limit_of_a_domain_holds_in_every_minute_also_for_a_successor(limit: int, seed: int) -> None:
    late = random.Random(seed)
    first = Domains(limit, {})
    starts = drive(first, 0.0, 150.0, late)
    left = first._known["gmail.com"].successor_at(starts[-1])
    starts += drive(Domains(limit, {"gmail.com": left}), starts[-1] + late.random(), starts[-1] + 150.0, late)
    assert most_in_any(60.0, starts) <= limit


def test_the_pace_of_a_domain_is_used() -> None:
    starts = drive(Domains(8, {}), 0.0, 600.0, random.Random(1))
    assert len(starts) >= 0.9 * 8 * 10
