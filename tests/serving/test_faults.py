"""A module that fails in every way: the documented answer, the server lives, others are served."""

import concurrent.futures
import contextlib
import os
import signal

import pytest
from support.waiting import Held, until

from azml_magic import ServiceSettings, serve
from azml_magic.sandbox import processes as tasks
from serving.served import LIMITS, SOURCE, Client, fault, living, processes, row, sample

FAILURES = {
    "raise": (400, "ModuleExecutionError", "85"),
    "quit": (400, "ModuleExecutionError", "85"),
    "number": (400, "ModuleExecutionError", "85"),
    "exit": (500, "InternalError", "ContainerProcessTerminatedWithSystemError"),
    "crash": (500, "InternalError", "ContainerProcessTerminatedWithSystemError"),
    "hang": (408, "RequestTimeout", "ScoreRequestTimeout"),
    "eat": (413, "MemoryQuotaViolation", "OutOfMemoryLimit"),
}


@pytest.mark.parametrize(("action", "expected"), FAILURES.items())
def test_a_failing_module_is_answered_and_the_next_request_served(client, action, expected):
    assert fault(client.score(row(action))) == expected
    client.assert_serves()


@pytest.mark.rule("S-12", profile="classic")
def test_the_error_of_a_module_tells_what_the_cloud_told(client):
    error = client.score(row("raise")).json()["error"]
    assert error["message"] == "Module execution encountered an error."
    (detail,) = error["details"]
    assert detail["target"] == "Execute Python Script RRS"
    assert detail["message"].startswith("Error 0085: ")
    assert "\r\n" in detail["message"]
    assert "ValueError: as asked" in detail["message"]


def test_a_flood_of_output_is_survived(client):
    assert client.score(row("flood")).status_code == 200
    client.assert_serves()


def test_files_are_of_one_request(client):
    before = client.score(row()).json()["Results"]["output1"][0]["files"]
    assert client.score(row("write")).status_code == 200
    assert client.score(row()).json()["Results"]["output1"][0]["files"] == before


def test_a_worker_is_warm_and_a_request_can_have_its_own(client):
    first, second = (client.score(row()).json()["Results"]["output1"][0]["calls"] for _ in range(2))
    assert second == first + 1
    settings = ServiceSettings(**{**LIMITS, "workers": 2}, isolate="request")
    with serve(SOURCE, sample(), name="obedient", force=True, settings=settings) as service:
        own = Client(service)
        assert [own.score(row()).json()["Results"]["output1"][0]["calls"] for _ in range(4)] == [
            1
        ] * 4
        assert fault(own.score(row("exit")))[0] == 500
        own.assert_serves()


def test_a_worker_is_replaced_after_so_many_requests():
    settings = ServiceSettings(**LIMITS, recycle=3)
    with serve(SOURCE, sample(), name="obedient", force=True, settings=settings) as service:
        own = Client(service)
        calls = [own.score(row()).json()["Results"]["output1"][0]["calls"] for _ in range(7)]
    assert calls == [1, 2, 3, 1, 2, 3, 1]


def test_a_full_queue_says_so(client):
    held = Held()
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        first = threads.submit(client.score, row(held.name))
        held.wait_for()
        others = [threads.submit(client.score, row()) for _ in range(7)]
        # Two may wait: none of those that are answered while the first one holds is among them.
        until(lambda: sum(one.done() for one in others) >= 5)
        refused, *_ = (one.result() for one in others if one.done())
        held.let_go()
        answers = [one.result() for one in (first, *others)]
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 3 + [503] * 5
    assert fault(refused) == (503, "ServiceUnavailable", "TooManyConcurrentRequests")
    assert refused.headers["Retry-After"] == "1"


@pytest.mark.parametrize("victim", ["serving.scoring_process", "monitor.monitor", "worker.server"])
def test_each_process_may_be_killed(client, victim):
    client.assert_serves()
    victims = processes(client.service, victim)
    assert victims, processes(client.service, "")
    below = [*victims, *tasks.descendants(victims)]
    for pid in victims:
        # With the end of one may come that of the next.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # A worker that outlives its monitor for a moment could still begin with a request.
    until(lambda: not living(below))
    # From now on none has begun, so none is lost.
    for _ in range(3):
        client.assert_serves()


def test_metrics_and_health(client):
    client.assert_serves()
    assert client.get("/health").json() == {"status": "ok", "module": "obedient"}
    text = client.get("/metrics").text
    assert 'azml_requests_total{route="score",status="200"}' in text
    assert "azml_request_seconds_bucket" in text
