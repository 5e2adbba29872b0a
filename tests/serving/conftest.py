"""One service that most tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from served import LIMITS, SOURCE, Client, sample
from support import programs

from azml_magic import ServiceSettings, serve
from azml_magic.serving import running_service


@pytest.fixture(scope="package")
def client():
    settings = ServiceSettings(**LIMITS, max_rows=2000, body_timeout=2.0, queue=2)
    with serve(SOURCE, sample(), name="obedient", force=True, settings=settings) as service:
        yield Client(service)


@pytest.fixture(scope="session")
def _servers():
    servers = programs.Beneath(running_service, silenced=True)
    yield servers
    servers.close()


@pytest.fixture(autouse=True)
def _servers_write_their_log_and_nothing_else(_servers):
    """A server of a notebook has no standard error to show; what it would say is looked at here."""
    yield
    programs.log_lines(_servers.take())
