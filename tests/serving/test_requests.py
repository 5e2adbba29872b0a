"""Bad and odd requests to a real server: the documented answer, and the next one is served."""

import json
import time

import pytest

from serving.served import fault, row

PARSE = (400, "BadUserArgument", "InputParseError")
MISMATCH = (400, "BadUserArgument", "InputMismatchError")
UNEXPECTED = (400, "BadUserArgument", "UnexpectedParameter")


def request(*rows, **changes):
    return {"Inputs": {"input1": list(rows)}, **changes}


BAD = {
    "no JSON": (b"{", PARSE),
    "empty": (b"", PARSE),
    "a list": (b"[]", PARSE),
    "not UTF-8": (b'{"Inputs": "\xff"}', PARSE),
    "nested deeply": (b"[" * 100_000, PARSE),
    "a key twice": (b'{"Inputs": {}, "Inputs": {}}', PARSE),
    "a column twice in a record": (
        b'{"Inputs": {"input1": [{"action": "a", "action": "b"}]}}',
        PARSE,
    ),
    "a huge number": (b'{"Inputs": {"input1": [{"count": 1' + b"0" * 5000 + b"}]}}", PARSE),
    "no inputs": ({}, MISMATCH),
    "inputs null": ({"Inputs": None}, MISMATCH),
    "another input": ({"Inputs": {"input1": [row()], "input2": []}}, MISMATCH),
    "another key": (request(row(), Other=1), UNEXPECTED),
    "a global parameter": (request(row(), GlobalParameters={"a": 1}), UNEXPECTED),
    "global parameters as a list": (request(row(), GlobalParameters=[]), PARSE),
    "an input that is text": ({"Inputs": {"input1": "x"}}, PARSE),
    "a record that is a list": (request([1]), PARSE),
    "records with other columns": (request(row(), {"action": "x"}), MISMATCH),
    "a missing column": (request({"action": "x"}), MISMATCH),
    "an extra column": (request(row(extra=1)), MISMATCH),
    "text for a number": (request(row(amount="many")), PARSE),
    "a fraction for a whole number": (request(row(count=1.5)), PARSE),
    "a boolean for a number": (request(row(amount=True)), PARSE),
    "a number for a boolean": (request(row(seen=1)), PARSE),
    "a whole number beyond 64 bits": (request(row(count=2**64)), PARSE),
    "a list for text": (request(row(action=["x"])), PARSE),
    "rows of another width": (
        {"Inputs": {"input1": {"ColumnNames": ["action"], "Values": [["a", "b"]]}}},
        MISMATCH,
    ),
    "names twice": (
        {"Inputs": {"input1": {"ColumnNames": ["action"] * 2, "Values": []}}},
        MISMATCH,
    ),
    "names that are numbers": ({"Inputs": {"input1": {"ColumnNames": [1], "Values": []}}}, PARSE),
    "values missing": ({"Inputs": {"input1": {"ColumnNames": []}}}, PARSE),
    "too many rows": (request(*[row()] * 2001), (413, "BadArgument", "TooManyRows")),
    "too many bytes": (b" " * ((2 << 20) + 1), (413, "BadArgument", "RequestBodyTooLarge")),
}


@pytest.mark.parametrize(("body", "expected"), BAD.values(), ids=BAD)
def test_a_bad_body_is_answered_and_the_next_request_served(client, body, expected):
    assert fault(client.post("/score", body)) == expected
    assert fault(client.classic(body)) == expected
    client.assert_serves()


GOOD = {
    "nothing to score": request(),
    "missing values": request(row(None, amount=None, count=None, seen=None)),
    "a NaN that JSON does not have": b'{"Inputs":{"input1":[{"action":"","amount":NaN,'
    b'"count":1,"seen":true}]}}',
    "infinities": request(row(amount="Infinity"), row(amount="-INF")),
    "a long text": request(row("x" * (1 << 20))),
    "all text": request(row(amount="1.5", count="3", seen="True")),
    "a byte order mark": b'\xef\xbb\xbf{"Inputs":{"input1":[]}}',
    "many rows": request(*[row()] * 2000),
    "parameters null": request(row(), GlobalParameters=None),
    "columns in another order": request(dict(reversed(row().items()))),
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_an_odd_body_is_scored(client, body):
    response = client.post("/score", body)
    assert response.status_code == 200, response.text
    assert client.classic(body).status_code == 200


def test_answers_have_the_values_of_the_request(client):
    (found,) = client.score(row("naïve ünïcode", amount="-INF")).json()["Results"]["output1"]
    assert found["action"] == "naïve ünïcode"
    assert found["amount"] == "-Infinity"
    (found,) = client.score(row(None, amount=None, count=None, seen=None)).json()["Results"][
        "output1"
    ]
    assert [found[name] for name in ("action", "amount", "count", "seen")] == [None] * 4


QUERIES = {
    "api-version=1.0": "ApiVersionInvalid",
    "format=xml": "QueryInvalid",
    "details=perhaps": "QueryInvalid",
}


@pytest.mark.parametrize(("query", "code"), QUERIES.items())
def test_a_wrong_query_is_named(client, query, code):
    assert fault(client.classic(request(row()), query)) == (400, "BadArgument", code)


def test_what_is_around_the_body(client):
    plain = client.post("/score", request(row()), headers={"Content-Type": "text/plain"})
    assert fault(plain) == (415, "BadArgument", "UnsupportedMediaType")
    assert fault(client.get("/score")) == (405, "BadArgument", "MethodNotAllowed")
    assert client.get("/score").headers["Allow"] == "POST"
    assert fault(client.get("/nothing")) == (404, "NotFound", "ResourceNotFound")
    other = client.post("/score", request(row()), headers={"Host": "evil.example"})
    assert fault(other) == (400, "BadArgument", "InvalidHost")
    client.assert_serves()


def read_on(slow, piece=b""):
    """Return what a server says until it closes, while a piece is sent again and again."""
    answer = b""
    slow.settimeout(0.1)
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            slow.sendall(piece)
            received = slow.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            return answer
        if not received:
            return answer
        answer += received
    raise AssertionError(f"still open, after {answer!r}")


def test_a_slow_body_is_given_up(client):
    with client.connect() as slow:
        slow.sendall(
            b"POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"Inputs"'
        )
        client.assert_serves()
        answer = read_on(slow)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"ScoreRequestTimeout" in answer


def test_slow_headers_are_given_up_and_counted(client):
    with client.connect() as slow:
        slow.sendall(b"POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        answer = read_on(slow, b"x")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout")
    assert b"x-ms-request-id" in head
    assert json.loads(body)["error"]["details"][0]["code"] == "ScoreRequestTimeout"
    assert 'azml_requests_total{route="unread",status="408"}' in client.get("/metrics").text
    client.assert_serves()


def ask_health(connection, more=b""):
    """Send one request and read the whole of its answer, which comes in pieces."""
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n")
    answer = b""
    while not answer.endswith(b"}"):
        received = connection.recv(65536)
        assert received, answer
        answer += received
    assert answer.startswith(b"HTTP/1.1 200")


def test_slow_headers_after_an_answer_are_given_up(client):
    with client.connect() as slow:
        ask_health(slow)
        answer = read_on(slow, b"G")
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_silent_connection_is_closed(client):
    with client.connect() as silent:
        assert read_on(silent) == b""


def test_a_body_that_goes_on_after_its_answer_is_given_up(client):
    with client.connect() as slow:
        ask_health(slow, b"Content-Length: 1000000\r\n")
        assert read_on(slow, b"x") == b""


def test_an_idle_connection_is_kept_beyond_the_limit_of_headers(client):
    with client.connect() as idle:
        ask_health(idle)
        time.sleep(2.5)
        ask_health(idle)


def test_a_client_that_leaves_takes_nobodys_answer(client):
    body = b'{"Inputs":{"input1":[{"action":"slow","amount":7,"count":1,"seen":true}]}}'
    head = f"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    for _ in range(3):
        with client.connect() as leaving:
            leaving.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
            time.sleep(0.05)
        client.assert_serves()
