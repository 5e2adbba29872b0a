"""Modules from text, functions, files and zips."""

import functools
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest

from azml_magic.errors import BundleError, ModuleError
from azml_magic.module.module import Module, as_module

SOURCE = "def azureml_main(frame):\n    return frame,\n"


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def plain(frame):
    return (frame.assign(total=1),)


@functools.lru_cache
def cached(frame):
    return frame


def wrapper(function):
    @functools.wraps(function)
    def wrapped(*arguments):
        return function(*arguments)

    return wrapped


@wrapper
def wrapped_function(frame):
    return frame


def azureml_main(frame):
    return (frame,)


def run(module):
    namespace = {}
    exec(compile(module.source, "module", "exec"), namespace)
    return namespace


def test_a_text_is_a_module():
    module = Module.from_source(SOURCE, label="Cell In[5]", first_line=2, name="scorer")
    assert module == Module(SOURCE, "Cell In[5]", 2, "scorer")


@pytest.mark.parametrize("text", ["", "  \n\t\n"])
def test_an_empty_text_is_none(text):
    with pytest.raises(ModuleError, match="empty"):
        Module.from_source(text)


def test_a_function_of_any_name_becomes_the_entry_point():
    module = Module.from_function(plain, label="Cell In[3]")
    assert module.source.endswith("azureml_main = plain\n")
    assert module.label == "Cell In[3]"
    lines = Path(__file__).read_text().split("\n")
    assert lines[module.first_line - 1] == "def plain(frame):"
    assert callable(run(module)["azureml_main"])


def test_a_function_is_labelled_by_its_file():
    module = Module.from_function(azureml_main)
    assert module.label == Path(__file__).name
    assert module.source == "def azureml_main(frame):\n    return (frame,)\n"


def test_decorators_belong_to_a_function():
    module = Module.from_function(cached)
    assert module.source.startswith("@functools.lru_cache\ndef cached")
    module = Module.from_function(wrapped_function)
    assert module.source.startswith("@wrapper\ndef wrapped_function")


def test_decorators_of_the_notebook_are_left_out_and_lines_stay(tmp_path):
    path = tmp_path / "decorated.py"
    path.write_text("@magics.register\n@keep\ndef score(frame):\n    return frame,\n")

    class Magics:
        __module__ = "IPython.core.magic"
        __name__ = "magics"

        def register(self, function):
            return function

    namespace: dict[str, Any] = {"magics": Magics(), "keep": lambda function: function}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    module = Module.from_function(namespace["score"])
    assert module.source.split("\n")[:3] == ["", "@keep", "def score(frame):"]


def test_a_function_inside_another_is_dedented():
    def inner(frame):
        text = "kept"
        return frame, text

    module = Module.from_function(inner)
    assert module.source.startswith("def inner(frame):\n    text")


def test_a_function_whose_lines_cannot_stand_alone_is_refused():
    def inner(frame):
        return """
text at the margin"""

    with pytest.raises(ModuleError, match="inner"):
        Module.from_function(inner)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (lambda frame: frame, "lambda"),
        (len, "builtin"),
        (dict, "a class"),
        (functools.partial(plain), "partial"),
        ("text".upper, "builtin"),
        (Path("x").exists, "method"),
    ],
)
def test_what_is_no_function_with_source_is_refused(thing, words):
    with pytest.raises(ModuleError, match=words):
        as_module(thing)


def test_a_function_without_source_is_refused():
    namespace = {}
    exec("def ghost(frame): return frame", namespace)
    with pytest.raises(ModuleError, match="ghost"):
        Module.from_function(namespace["ghost"])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("x = 'größe'\n".encode(), "x = 'größe'\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        ("# -*- coding: latin-1 -*-\nx = 'ü'\n".encode("latin-1"), None),
        (b"x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"),
    ],
)
def test_files_are_read_in_their_encoding(tmp_path, content, text):
    path = tmp_path / "module.py"
    path.write_bytes(content)
    module = Module.from_file(path)
    assert module.source == (text or "# -*- coding: latin-1 -*-\nx = 'ü'\n")
    assert module.label == "module.py"
    assert run(module)


@pytest.mark.parametrize("content", [b"x = '\xff'\n", b"# coding: nonsense\n"])
def test_a_file_of_another_encoding_is_refused(tmp_path, content):
    path = tmp_path / "module.py"
    path.write_bytes(content)
    with pytest.raises(ModuleError, match=r"module\.py is not Python source"):
        Module.from_file(path)


def test_a_misspelt_file_gets_a_suggestion(tmp_path):
    (tmp_path / "scoring.py").write_text(SOURCE)
    with pytest.raises(ModuleError) as raised:
        as_module(str(tmp_path / "scorin.py"))
    assert raised.value.hint == "did you mean 'scoring.py'?"


def test_a_zip_is_its_own_bundle(tmp_path):
    path = write_zip(tmp_path / "scorer.zip", {"__main__.py": SOURCE, "help.py": "x = 1"})
    module = Module.from_zip(path)
    assert module.label == "scorer.zip/__main__.py"
    assert module.bundle.modules == ("__main__", "help")


@pytest.mark.parametrize(
    "files",
    [
        {"score.py": SOURCE, "help.py": "x = 1"},
        {"score.py": "from help import azureml_main", "help.py": "import os"},
        {"__main__.py": "print(1)", "score.py": "import x\nazureml_main = x.run"},
        {"score.py": SOURCE, "broken.py": "def azureml_main(:", "sub/other.py": SOURCE},
    ],
)
def test_the_one_file_with_the_entry_point_is_the_module(tmp_path, files):
    path = write_zip(tmp_path / "a.zip", files)
    assert Module.from_zip(path).source == files["score.py"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"help.py": "x = 1"}, "no top-level file"),
        ({"a.py": SOURCE, "b.py": SOURCE}, r"several files .*a\.py, b\.py"),
        ({}, "no top-level file"),
    ],
)
def test_a_zip_without_one_entry_point_is_refused(tmp_path, files, words):
    with pytest.raises(ModuleError, match=words) as raised:
        Module.from_zip(write_zip(tmp_path / "a.zip", files))
    assert "__main__.py" in raised.value.hint


def test_a_damaged_zip_is_a_bundle_error(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(BundleError, match="0102"):
        as_module(tmp_path / "a.zip")


def test_as_module_takes_what_stands_for_a_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("module.py").write_text(SOURCE)
    module = Module(SOURCE)
    assert as_module(module) is module
    assert as_module(SOURCE).source == SOURCE
    assert as_module("def azureml_main(): pass").source == "def azureml_main(): pass"
    assert as_module("x = 1").source == "x = 1"
    assert as_module("module.py").source == SOURCE
    assert as_module(Path("module.py")).source == SOURCE
    assert as_module(plain).source.startswith("def plain")
    assert as_module("x = 'a'\nopen('a.py')").label == "module"


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ("nowhere.py", "no file"),
        ("azureml_main", "no file"),
        ("notebook.ipynb", "neither"),
        (".", "folder"),
        (3, "int"),
        (None, "NoneType"),
        (b"def f(): pass", "bytes"),
        ("", "empty"),
        ("missing/module.py", "no file"),
    ],
)
def test_anything_else_is_refused(thing, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notebook.ipynb").write_text("{}")
    with pytest.raises(ModuleError, match=words) as raised:
        as_module(thing)
    assert raised.value.hint


def test_an_indented_text_is_kept_as_it_is():
    text = textwrap.indent(SOURCE, "  ")
    assert as_module(text).source == text
