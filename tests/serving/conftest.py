"""One service that most tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from served import LIMITS, SOURCE, Client, sample

from azml_magic import ServiceSettings, serve


@pytest.fixture(scope="package")
def client():
    settings = ServiceSettings(**LIMITS, max_rows=2000, body_seconds=2.0, queue=2)
    with serve(SOURCE, sample(), name="obedient", force=True, settings=settings) as service:
        yield Client(service)
