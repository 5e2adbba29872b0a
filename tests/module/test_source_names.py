"""Names that a source reads in vain, following Python's scopes."""

import ast
import builtins
import sys

import pytest

from azml_magic.module.global_names import read_names
from azml_magic.module.syntax import parse

CLEAN = {
    "import": "import pandas as pd\ndef azureml_main(f): return pd.concat([f]),",
    "dotted import": "import os.path\ndef azureml_main(f): return os.path.join('a'),",
    "import in try": (
        "try:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle\n"
        "def azureml_main(f): return pickle.loads(f),"
    ),
    "except NameError": (
        "try:\n    text = unicode\nexcept NameError:\n    text = str\n"
        "def azureml_main(f): return text(f),"
    ),
    "version test": "import sys\nif sys.version_info[0] < 3:\n    range = xrange\n",
    "version text": "import sys\nif sys.version[0] == '2':\n    text = unicode\nelse: text = str",
    "comprehension": "def azureml_main(f): return [x for r in f for x in r if x],",
    "dict comprehension": "def azureml_main(f): return {k: v for k, v in f.items()},",
    "comprehension in class": "class A:\n    n = 3\n    rows = [i for i in range(n)]\n",
    "walrus in comprehension": (
        "def azureml_main(f):\n    rows = [last := x for x in f]\n    return rows, last"
    ),
    "walrus": "def azureml_main(f):\n    if (n := len(f)) > 1:\n        return n,",
    "lambda": "scale = lambda x, y=1: x * y\ndef azureml_main(f): return f.map(scale),",
    "global in function": (
        "def load():\n    global model\n    model = 1\n"
        "def azureml_main(f):\n    load()\n    return model,"
    ),
    "nonlocal": (
        "def azureml_main(f):\n    n = 0\n    def add():\n        nonlocal n\n        n += 1\n"
        "    add()\n    return n,"
    ),
    "closure": "def azureml_main(f):\n    k = 2\n    return f.map(lambda x: x * k),",
    "class scope": (
        "class Model:\n    size = 3\n    def fit(self): return Model.size, __class__\n"
        "    twice = size * 2\n    name = __qualname__\n"
    ),
    "dunder names": "print(__name__, __file__, __doc__)",
    "future annotations": (
        "from __future__ import annotations\n"
        "def azureml_main(f: pd.DataFrame) -> pd.DataFrame:\n    n: np.int64 = 1\n    return f,"
    ),
    "annotation of a local": "def azureml_main(f):\n    n: Missing = 1\n    return n,",
    "string annotation": "def azureml_main(f: 'pd.DataFrame'): return f,",
    "match": (
        "def azureml_main(f):\n    match f:\n        case {'a': a, **rest}: return a, rest\n"
        "        case [first, *others]: return first, others\n"
        "        case str() as text: return text,\n"
    ),
    "with and for": (
        "def azureml_main(f):\n    with open('a') as file:\n        for line in file:\n"
        "            print(line)\n    return line,"
    ),
    "except as": "def azureml_main(f):\n    try: pass\n    except OSError as e: print(e)",
    "del in function": "def azureml_main(f):\n    x = 1\n    del x\n",
    "star import": "from math import *\ndef azureml_main(f): return sqrt(f),",
    "exec": "exec(open('a').read())\ndef azureml_main(f): return anything(f),",
    "globals": "globals()['x'] = 1\ndef azureml_main(f): return x,",
    "main block": "if __name__ == '__main__':\n    print(test_frame)\n",
    "starred": "first, *rest = [1, 2]\nprint(first, rest)",
    "decorator": "import functools\n@functools.lru_cache\ndef f(n): return n",
    "keyword arguments": "def azureml_main(a, /, b, *c, d=1, **e): return a, b, c, d, e",
    "recursion": "def walk(n): return walk(n - 1)",
    "used before it is defined": "def azureml_main(f): return helper(f),\ndef helper(f): return f",
    "async": "async def g(rows):\n    async for r in rows:\n        yield r\n",
}

UNDEFINED = [
    ("def azureml_main(f):\n    return scale(f),", [("scale", 2, "azureml_main")]),
    ("x = y", [("y", 1, "<module>")]),
    (
        "def helper(f):\n    return f * rate\ndef azureml_main(f): return helper(f),",
        [("rate", 2, "helper")],
    ),
    ("def azureml_main(f): return pd.concat(pd),", [("pd", 1, "azureml_main")]),
    ("def f(a=start): pass", [("start", 1, "<module>")]),
    ("def f(a: pd.Series): pass", [("pd", 1, "<module>")]),
    ("n: Missing = 1", [("Missing", 1, "<module>")]),
    ("n: int\nprint(n)", [("n", 2, "<module>")]),
    ("class A(Base):\n    pass", [("Base", 1, "<module>")]),
    ("class A:\n    n = 1\n    def f(self): return n", [("n", 3, "A.f")]),
    ("class A:\n    n = 1\n    r = [n for _ in range(3)]", [("n", 3, "<module>")]),
    ("class A:\n    r = [x for x in rows]", [("rows", 2, "<module>")]),
    ("def f():\n    def g(): return k\n    return g", [("k", 2, "f")]),
    ("def f():\n    x = 1\nprint(x)", [("x", 3, "<module>")]),
    ("print([i for i in range(3)], i)", [("i", 1, "<module>")]),
    ("def f():\n    global n\n    print(n)", [("n", 3, "f")]),
    ("@magic\ndef f(): pass", [("magic", 1, "<module>")]),
    ("def f():\n    a = b\n    c = b\ndef g(): return b", [("b", 2, "f"), ("b", 4, "g")]),
    ("f'{value:{width}}'", [("value", 1, "<module>"), ("width", 1, "<module>")]),
    (
        "if __name__ == '__main__':\n    data = 1\ndef azureml_main(f): return data,",
        [("data", 3, "azureml_main")],
    ),
    ("x += 1", []),
    ("try:\n    a\nexcept ValueError:\n    pass", [("a", 2, "<module>")]),
    ("display(1); get_ipython()", [("display", 1, "<module>"), ("get_ipython", 1, "<module>")]),
]


def undefined_names(source):
    found = read_names(parse(source)).undefined
    return [(missing.name, missing.line, missing.function) for missing in found]


@pytest.mark.parametrize("source", CLEAN.values(), ids=CLEAN)
def test_names_that_exist_are_not_reported(source):
    assert undefined_names(source) == []


@pytest.mark.parametrize(("source", "expected"), UNDEFINED)
def test_names_that_nothing_binds_are_reported_with_line_and_function(source, expected):
    assert undefined_names(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def first[T](rows: list[T]) -> T: return rows[0]", []),
        ("class Box[T]:\n    def get(self) -> T: return self.value", []),
        ("type Row = dict[str, Missing]\nprint(Row)", []),
        ("def f[T](rows: list[T]): return other", [("other", 1, "f")]),
    ],
)
def test_type_parameters_are_names(source, expected):
    if sys.version_info >= (3, 12):
        assert undefined_names(source) == expected
    else:
        with pytest.raises(SyntaxError):
            undefined_names(source)


def test_a_function_that_the_entry_point_does_not_use_is_told_apart():
    source = (
        "class Model:\n    def fit(self): return a\n"
        "def azureml_main(f): return Model(), used()\n"
        "def used(): return b\n"
        "def unused(): return c\n"
    )
    reached = {missing.name: missing.reached for missing in read_names(parse(source)).undefined}
    assert reached == {"a": True, "b": True, "c": False}


def test_names_that_ipython_adds_to_the_builtins_do_not_count(monkeypatch):
    monkeypatch.setattr(builtins, "display", print, raising=False)
    assert undefined_names("display(1)") == [("display", 1, "<module>")]


def test_a_tree_too_deep_for_the_reader_is_left_alone():
    depth = 100_000
    node: ast.expr = ast.Constant(1)
    for _ in range(depth):
        node = ast.UnaryOp(ast.USub(), node)
    tree = ast.Module([ast.Expr(node)], [])
    assert read_names(tree).open_ended


@pytest.mark.parametrize(
    "source", ["def f(:", "x = '\0'", "return 1", "(" * 5000, "x = '\ud800'", "-" * 200_000 + "1"]
)
def test_what_python_cannot_compile_is_a_syntax_error(source):
    with pytest.raises(SyntaxError):
        parse(source)


def test_windows_paths_print_no_warning(recwarn):
    parse("import sys; '.\\Script Bundle' in sys.path")
    assert not recwarn.list
