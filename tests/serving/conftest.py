"""One service that most tests share."""

import pytest
from support import programs

from azml_magic import ServiceSettings, export, serve
from azml_magic.serving import running_service
from serving.served import LIMITS, SOURCE, Client, sample


@pytest.fixture(scope="package")
def client():
    settings = ServiceSettings(**LIMITS, max_rows=2000, body_timeout=2.0, queue=2)
    with serve(SOURCE, sample(), name="obedient", force=True, settings=settings) as service:
        yield Client(service)


@pytest.fixture(scope="module")
def module_zip(tmp_path_factory):
    path = tmp_path_factory.mktemp("life") / "obedient.zip"
    export(SOURCE, path, sample(), name="obedient", force=True)
    return path


@pytest.fixture(scope="session")
def servers():
    servers = programs.Beneath(running_service, silenced=True)
    yield servers
    servers.close()


@pytest.fixture(autouse=True)
def servers_write_their_log_and_nothing_else(servers):
    """A server of a notebook has no standard error to show; what it would say is looked at here."""
    yield
    programs.log_lines(servers.take())
