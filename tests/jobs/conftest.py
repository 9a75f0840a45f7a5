"""What holds in every test of the jobs."""

from collections.abc import Iterator

import pytest

NOT_QUICK = "could not be written the quick way"


@pytest.fixture(autouse=True)
def the_quick_way_of_writing_works(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What the other way writes is the same, so no other test would see that the quick one is broken; who breaks it on
    purpose clears ``caplog``."""
    yield
    assert not [said for said in caplog.get_records("call") if NOT_QUICK in said.getMessage()]
