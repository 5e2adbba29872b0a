"""Clients that were not written here."""

import inspect
import types
import warnings

import pandas as pd
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from azml_magic import Keys, ServiceSettings, serve
from serving.served import Client

KEY = "k" * 40
MODULE = """
def azureml_main(frame):
    if (frame["a"] < 0).any():
        raise ValueError("a is negative")
    frame["sum"] = frame["a"] + frame["b"]
    return frame[["sum"]],
"""
TYPES = pd.DataFrame({"n": [1, 2], "x": [1.5, None], "s": ["a", None], "b": [True, False]})


@pytest.fixture(scope="module")
def adder():
    samples = pd.DataFrame({"a": [1.5], "b": [2.0]})
    chosen = ServiceSettings(port=0, workers=1, keys=Keys(KEY))
    with serve(MODULE, samples, name="adder", settings=chosen) as service:
        yield service


@pytest.fixture(scope="module")
def services():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from azureml import services
    return services


@pytest.mark.rule("C-2", "C-4", "C-10", profile="classic")
def test_the_classic_python_client_calls_a_frame_service(adder, services):
    @services.service(adder.execute_url, KEY)
    @services.dataframe_service(a=float, b=float)
    @services.returns(float)
    def add(a, b):
        pass

    assert add(1.5, 2.0) == 3.5
    assert add.map([1.5, 2.0], [3.0, 4.0]) == [4.5, 6.0]


@pytest.mark.rule("C-9", profile="classic")
def test_the_classic_python_client_shows_errors(adder, services):
    def service(key):
        @services.service(adder.execute_url, key)
        @services.dataframe_service(a=float, b=float)
        @services.returns(float)
        def add(a, b):
            pass

        return add

    with pytest.raises(RuntimeError, match="ValueError: a is negative"):
        service(KEY)(-1.0, 2.0)
    with pytest.raises(RuntimeError, match="Invalid credentials provided"):
        service("wrong")(1.0, 2.0)


@pytest.mark.rule("C-1", "C-3", profile="classic")
def test_its_typed_form_needs_the_field_that_python_has_renamed(adder, services, monkeypatch):
    def getargs(code):
        found = inspect.getargs(code)
        return types.SimpleNamespace(args=found.args, varargs=found.varargs, keywords=found.varkw)

    shim = types.ModuleType("inspect")
    vars(shim).update({**vars(inspect), "getargs": getargs})
    monkeypatch.setattr(services, "inspect", shim)

    @services.service(adder.execute_url, KEY)
    @services.types(a=float, b=float)
    @services.returns(float)
    def add(a, b):
        pass

    assert add(1.5, 2.0) == 3.5
    assert add.map([1.5, 3.0], [2.0, 4.0]) == [3.5, 7.0]


@pytest.fixture(scope="module")
def typed():
    source = "def azureml_main(frame):\n    return frame,\n"
    with serve(source, TYPES, name="typed", settings=ServiceSettings(port=0)) as service:
        yield Client(service)


POSITIVE = [schemathesis.GenerationMode.POSITIVE]
CHECKS = (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    unsupported_method,
)


def explore(document, url, checks, examples):
    """Send generated requests, valid and invalid, for each operation of a document."""
    schema = schemathesis.openapi.from_dict(document)
    sent = 0

    def send(case):
        nonlocal sent
        sent += 1
        case.call_and_validate(base_url=url, checks=checks)

    for result in schema.get_all_operations():
        operation = result.ok()
        # Without a body or parameters nothing can be wrong.
        modes = list(schemathesis.GenerationMode) if operation.method == "post" else POSITIVE
        for mode in modes:
            strategy = operation.as_strategy(generation_mode=mode)
            run = settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
            run(given_case(strategy, send))()
    return sent


def given_case(strategy, send):
    from hypothesis import given

    @given(strategy)
    def generated(case):
        send(case)

    return generated


def test_generated_requests_keep_to_the_openapi_document(typed):
    document = typed.get("/openapi.json").json()
    assert explore(document, typed.service.url, CHECKS, 40) > 100


def test_generated_requests_keep_to_the_swagger_document(typed):
    document = typed.get(f"{typed.base}/swagger.json").json()
    # Its answers say number and are text, as the classic service's were; text is taken too.
    checks = [
        check
        for check in CHECKS
        if check not in (negative_data_rejection, response_schema_conformance)
    ]
    assert explore(document, typed.service.url + typed.base, checks, 40) > 40
