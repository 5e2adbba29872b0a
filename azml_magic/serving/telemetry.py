"""Logs and metrics for operators: one JSON line per request, and Prometheus metrics."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of a server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.requests = Counter(
            "azml_requests", "Requests answered", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "azml_request_seconds", "Time to answer", ["route"], buckets=_BUCKETS, registry=registry
        )
        self.rows = Counter("azml_rows", "Rows scored", registry=registry)
        self.replaced = Counter(
            "azml_scoring_processes_replaced",
            "Scoring processes that ended and were replaced",
            registry=registry,
        )
        self.waiting = Gauge("azml_requests_waiting", "Requests in the queue", registry=registry)
        self.idle = Gauge(
            "azml_scoring_processes_idle",
            "Scoring processes that wait for a request",
            registry=registry,
        )

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class JsonFormatter(logging.Formatter):
    """Formats records as one JSON object per line, without headers, keys or values of requests."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def open_log(stream: TextIO = sys.stderr, level: int = logging.INFO) -> logging.Logger:
    """Return the server's logger, which the HTTP library uses too."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    for name in ("azml_magic.serving", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        # The HTTP library's own messages about start and stop are replaced by ours.
        logger.setLevel(level if name.startswith("azml") else logging.WARNING)
    return logging.getLogger("azml_magic.serving")
