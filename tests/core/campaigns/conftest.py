import pytest

from core import db
from tests.conftest import Stack
from tests.core.campaigns.rows import ready_draft, user


@pytest.fixture
def alice(stack: Stack) -> int:
    with db.session() as session:
        return user(session)


@pytest.fixture
def draft(alice: int) -> int:
    with db.session() as session:
        return ready_draft(session, alice)
