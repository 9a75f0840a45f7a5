"""The short run of ``make crash``; its seed repeats it: ``python -m tests.crash --kills 6 --mails 400 --seed …``."""

import random
from collections.abc import Callable

from tests.conftest import Stack
from tests.crash import crash


def test_killed_again_and_again_at_random_instants_nothing_is_lost_or_sent_twice(
    stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    seed = random.randrange(1_000_000)
    record_property("seed", seed)
    outcome = crash(stack, kills=6, mails=400, seed=seed)
    assert outcome.well, f"seed {seed}: {outcome}"
    assert outcome.kills >= 2
