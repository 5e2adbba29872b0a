"""Tests start programs through ``support.programs``, which looks at their standard error."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
# The way itself.
LEFT_OUT = {"support"}
FILES = [
    file for file in sorted(TESTS.rglob("*.py")) if file.relative_to(TESTS).parts[0] not in LEFT_OUT
]
STARTS = re.compile(
    r"(subprocess\.(run|Popen|call|check_call|check_output|getoutput|getstatusoutput)"
    r"|os\.(exec\w+|spawn\w+|posix_spawnp?|system|popen)|pty\.(fork|spawn)"
    r"|(asyncio\.)?create_subprocess_(exec|shell)|start_new_kernel|(\w+\.)?KernelManager"
    r"|NotebookClient)"
)
# On the line of the call, or on the one before it: what is started, or where.
EXCUSE = re.compile(r"# (not ours|in a run): \S")


def starts(source):
    """Return the lines of calls that start a program, without those that are excused."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not STARTS.fullmatch(ast.unparse(node.func)):
            continue
        around = lines[max(0, node.lineno - 2) : node.lineno]
        if not any(map(EXCUSE.search, around)):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_programs_are_started_where_their_standard_error_is_looked_at(file):
    assert starts(file.read_text()) == []


def test_a_start_is_found():
    assert starts("import subprocess\nsubprocess.run(['azml-magic'])") == [2]
    assert starts("# not ours: sleep\nsubprocess.Popen(['sleep'])") == []
    assert starts("with subprocess.Popen(\n    ['x']\n):\n    pass") == [1]
    assert starts("os.execv(a, b)\npty.fork()\nNotebookClient(book).execute()") == [1, 2, 3]
    assert starts("programs.run(['x'])\nrun('subprocess.run([])')") == []
