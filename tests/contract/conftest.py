"""Whatever the rules say in these tests can also leave a worker: the notebook takes it."""

import json

import pytest

from azml_magic import sentences


@pytest.fixture(autouse=True)
def _every_text_can_be_reported(monkeypatch):
    make = sentences.ComposedText.__new__

    def check(cls, parts=()):
        composed = make(cls, parts)
        made.append(composed)
        return composed

    made = []
    monkeypatch.setattr(sentences.ComposedText, "__new__", check)
    yield
    monkeypatch.undo()
    for composed in made:
        assert sentences.read(json.loads(json.dumps(composed.parts, allow_nan=False))) == composed
        assert composed.isprintable()
