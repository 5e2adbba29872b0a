"""What tests of runs share."""

import pytest

from azml_magic.monitor import shared_monitors


@pytest.fixture
def new_pool(monkeypatch):
    """A pool in which no monitor waits yet."""
    made = shared_monitors._Pool()
    monkeypatch.setattr(shared_monitors, "_pool", made)
    yield made
    made.close()
