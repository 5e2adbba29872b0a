"""Findings about versions: Python, packages, and what pandas has, had and does otherwise."""

import sys

import pytest

from azml_magic.checks.runtimes import as_version
from azml_magic.protocol.interpreter import Interpreter
from checks.cases import BOTH, CLASSIC, DESIGNER, codes, found, main, with_pandas

NEW_PANDAS = as_version(Interpreter.here().version_of("pandas")) >= (3,)
since_pandas_3 = pytest.mark.skipif(not NEW_PANDAS, reason="pandas 3 took it away")

# (source, profiles that find it, code, line, words of the message or fix)
CASES = [
    # syntax
    (main("print(f'{frame}')"), CLASSIC, "AZ601", 2, "3.6"),
    (main("size: int = 3"), CLASSIC, "AZ601", 2, "annotated variable"),
    (main("size = 1_000"), CLASSIC, "AZ601", 2, "write 1000"),
    ("from __future__ import annotations\n" + main(), CLASSIC, "AZ601", 1, "3.7"),
    (main("if (n := len(frame)) > 3: print(n)"), CLASSIC, "AZ601", 2, ":="),
    ("def f(a, /): return a\n" + main("f(1)"), CLASSIC, "AZ601", 1, "positional-only"),
    (main(returns="return *[frame], None"), CLASSIC, "AZ601", 2, "(*values,)"),
    (main("match frame:\n        case None: pass"), BOTH, "AZ601", 2, "match"),
    ("def f(a: list[int]): return a\n" + main("f([])"), BOTH, "AZ601", 1, "typing.List"),
    ("def f(a: int | None): return a\n" + main("f(1)"), BOTH, "AZ601", 1, "Optional"),
    ("d = {}\n@d['x']\ndef f(a): return a\n" + main("f(1)"), BOTH, "AZ601", 2, "decorator"),
    (main("try: pass\n    except* ValueError: pass"), BOTH, "AZ601", 2, "except*"),
    # standard library
    ("import dataclasses\n" + main(), CLASSIC, "AZ602", 1, "3.7"),
    ("from math import prod\n" + main("prod([1])"), CLASSIC, "AZ602", 1, "math.prod"),
    ("from zoneinfo import ZoneInfo\n" + main("ZoneInfo('UTC')"), BOTH, "AZ602", 1, "3.9"),
    (
        "from functools import cache\n@cache\ndef f(): return 1\n" + main("f()"),
        BOTH,
        "AZ602",
        1,
        "functools.cache",
    ),
    (main("'a.csv'.removesuffix('.csv')"), BOTH, "AZ602", 2, "3.9"),
    (main("list(zip([1], [2], strict=True))"), BOTH, "AZ602", 2, "3.10"),
    ("import urllib2\n" + main(), BOTH, "AZ602", 1, "urllib.request"),
    ("import collections\n" + main("collections.Mapping()"), BOTH, "AZ603", 3, "abc"),
    # packages
    ("import xgboost\n" + main(), BOTH, "AZ610", 1, "xgboost"),
    ("import tools\n" + main(), BOTH, "AZ610", 1, "script bundle"),
    ("import seaborn\n" + main(), DESIGNER, "AZ610", 1, "seaborn"),
    ("import lightgbm\n" + main(), CLASSIC, "AZ610", 1, "as far as known"),
    # what the cloud does not have yet
    (with_pandas("x = pd.read_parquet('Script Bundle/a')"), CLASSIC, "AZ620", 3, "about 0.18"),
    (with_pandas("x = pd.json_normalize([{}])"), CLASSIC, "AZ620", 3, "1.0"),
    (with_pandas("x = pd.read_xml('<a/>')"), BOTH, "AZ620", 3, "1.3"),
    (main("x = frame.to_numpy()"), CLASSIC, "AZ620", 2, "0.24"),
    (main("x = frame.explode('a')"), CLASSIC, "AZ620", 2, "0.25"),
    (main("x = frame.compare(frame)"), BOTH, "AZ620", 2, "1.1"),
    (main("x = frame.drop(columns=['a'])"), CLASSIC, "AZ620", 2, "axis=1"),
    (main("x = frame.sort_values('a', key=abs)"), BOTH, "AZ620", 2, "key="),
    (main("x = frame.groupby('a').agg(n=('b', 'sum'))"), CLASSIC, "AZ620", 2, "0.25"),
    (main("x = frame.groupby('a', dropna=False).sum()"), BOTH, "AZ620", 2, "dropna="),
    (
        "from sklearn.model_selection import train_test_split as split\n" + main("split(frame)"),
        CLASSIC,
        "AZ620",
        1,
        "cross_validation",
    ),
    ("import numpy as np\n" + main("np.random.default_rng()"), CLASSIC, "AZ620", 3, "1.17"),
    ("import numpy as np\n" + main("np.trapezoid([1])"), BOTH, "AZ620", 3, "np.trapz"),
    (with_pandas("pd.date_range('2020', periods=2, freq='ME')"), BOTH, "AZ620", 3, "'M'"),
    (main("x = frame.set_index('t').resample('2QE').sum()"), BOTH, "AZ620", 2, "'2QE'"),
    (main("x = frame.set_value(0, 'a', 1)"), DESIGNER, "AZ620", 2, "removed in pandas 1.0"),
    ("from sklearn.grid_search import GridSearchCV\n" + main(), DESIGNER, "AZ620", 1, "removed in"),
    # what only the cloud still has
    (main("frame = frame.append(frame)"), BOTH, "AZ621", 2, "pd.concat"),
    (main("x = frame.ix[0]"), CLASSIC, "AZ621", 2, "loc"),
    (main("x = frame.as_matrix()"), CLASSIC, "AZ621", 2, "values"),
    (main("x = frame.sort('a')"), CLASSIC, "AZ621", 2, "sort_values"),
    (main("for k, v in frame.iteritems(): print(k)"), BOTH, "AZ621", 2, "items"),
    (main("x = frame.drop('a', 1)"), BOTH, "AZ621", 2, "axis=1"),
    (with_pandas("x = pd.rolling_mean(frame['a'], 3)"), CLASSIC, "AZ621", 3, "rolling"),
    (with_pandas("x = pd.concat([frame, frame], 1)"), BOTH, "AZ621", 3, "axis=1"),
    ("import sklearn.cross_validation\n" + main(), CLASSIC, "AZ621", 1, "model_selection"),
    ("import numpy as np\n" + main("x = frame.astype(np.float)"), BOTH, "AZ621", 3, "float"),
    # what pandas 3 does otherwise
    (main("frame['a'].fillna(0, inplace=True)"), BOTH, "AZ622", 2, "frame['a'] ="),
    (main("frame.a.replace(1, 2, inplace=True)"), BOTH, "AZ622", 2, "frame.a ="),
    (
        main("a = frame['a']", "a.fillna(0, inplace=True)"),
        BOTH,
        "AZ622",
        3,
        "frame['a'] = frame['a'].fillna",
    ),
    (main("frame['a'][0] = 1"), BOTH, "AZ622", 2, "in one step"),
    (main("frame[frame['a'] > 1]['b'] = 1"), BOTH, "AZ622", 2, "in one step"),
    (main("frame.loc[frame['a'] > 1]['b'] = 1"), BOTH, "AZ622", 2, "in one step"),
    (main("frame['a'].iloc[0] = 1"), BOTH, "AZ622", 2, "in one step"),
    (main("frame['a'].values[0] = 1"), BOTH, "AZ623", 2, "copy()"),
    (main("x = frame.values", "x[x > 3] = 3"), BOTH, "AZ623", 3, "read-only"),
    (main("x = [c for c in frame if frame[c].dtype == object]"), BOTH, "AZ624", 2, "str"),
    (main("x = frame.select_dtypes(include=['object'])"), BOTH, "AZ624", 2, "numeric"),
    (with_pandas("x = pd.to_datetime(frame['t']).astype('int64')"), BOTH, "AZ625", 3, "micro"),
    (
        with_pandas("frame['t'] = pd.to_datetime(frame['t'])", "x = frame['t'].astype(int)"),
        BOTH,
        "AZ625",
        4,
        "nano",
    ),
]


@pytest.mark.parametrize(("source", "profiles", "code", "line", "words"), CASES)
def test_a_finding_has_code_line_and_words(source, profiles, code, line, words):
    for profile in profiles:
        findings = [one for one in found(source, profile) if one.code == code]
        assert len(findings) == 1, found(source, profile)
        assert findings[0].line == line
        assert words in f"{findings[0].message} {findings[0].fix}"
        assert findings[0].fix
    for profile in set(BOTH) - set(profiles):
        assert code not in codes(source, profile)


CLEAN = [
    main("a = frame['a']", "a.fillna(0, inplace=True)", "print(a.mean())"),
    main("a = frame[['a']]", "a.fillna(0, inplace=True)"),
    main("rows = []", "rows.append(1)", "rows.sort()"),
    main("rows = {}", "for k, v in rows.items(): print(k, v)"),
    main("names = frame.columns.tolist()", "names.append('b')"),
    main("'{:,}'.format(1000)", "x1_2 = '1_000'"),
    main("data = list(frame)", "data[0] = 1"),
    main("x = frame.values.copy()", "x[0] = 1"),
    main("frame.loc[0, 'a'] = 1", "frame['a'] = frame['a'].fillna(0)"),
    main("frame.dropna(inplace=True)"),
    main("import re", "x = re.compile('a').match('b')"),
    "try:\n    import xgboost\nexcept ImportError:\n    xgboost = None\n" + main("print(xgboost)"),
    "try:\n    from sklearn.model_selection import KFold\n"
    "except ImportError:\n    from sklearn.cross_validation import KFold\n" + main("print(KFold)"),
    "import sys\nif sys.version_info >= (3, 7):\n    import dataclasses\n" + main(),
    main(
        "if hasattr(frame, 'sort_values'): frame = frame.sort_values('a')",
        "else: frame = frame.sort('a')",
    ),
    main(
        "try:\n        x = frame.to_numpy()\n    except AttributeError:\n        x = frame.values"
    ),
    with_pandas("x = pd.date_range('2020', periods=2, freq='D')"),
    with_pandas("x = pd.concat([frame, frame], axis=1)"),
    main("frame = frame.drop('a', axis=1)"),
    main("frame = frame.drop(['a', 'b'], axis=1).dropna(how='any')"),
    main("x = frame['a'].dtype == float"),
    main("x = frame['a'].astype(int)"),
    main("print(type(frame).__name__.lower())"),
    "from pandas import DataFrame, Series\n" + main("x = DataFrame({'a': Series([1])})"),
]


@pytest.mark.parametrize("source", CLEAN)
def test_what_is_fine_gives_no_finding(source):
    assert codes(source) == []


def test_the_designer_has_what_came_before_its_versions():
    source = "from dataclasses import dataclass\nfrom sklearn.model_selection import KFold\n"
    source += main("x = frame.to_numpy()", "if (n := len(x)): print(f'{n:_}', 1_000, KFold)")
    assert codes(source, "designer") == []


def test_a_feature_is_told_once():
    source = main(
        "print(f'{frame}')",
        "print(f'{frame}')",
        "x = frame.to_numpy()[0]",
        "y = frame.to_numpy()[1]",
    )
    assert codes(source) == ["AZ601", "AZ620"]


def test_a_package_that_the_script_installs_is_there():
    for line in (
        "os.system('pip install xgboost')",
        "os.system('pip install -r \"Script Bundle/requirements.txt\"')",
        "os.system(f'{sys.executable} -m pip install scikit-learn xgboost')",
        "subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'xgboost'])",
    ):
        source = f"import os, sys, subprocess\n{line}\nimport xgboost\n" + main()
        assert codes(source, "designer") == [], line


def test_a_package_of_the_bundle_is_there():
    assert codes("import xgboost\n" + main(), bundle_modules=["xgboost"]) == []


def test_an_installed_package_is_told_from_one_that_is_nowhere():
    (installed,) = found("import pytest\n" + main(), "designer")
    (nowhere,) = found("import pytset\n" + main(), "designer")
    assert "pip install pytest" in installed.fix
    assert "not installed here" in nowhere.message


def test_other_major_versions_are_one_note(monkeypatch):
    from azml_magic.checks import check
    from azml_magic.contract.profile import get_profile
    from azml_magic.module.module import Module

    versions = {"numpy": "2.1.0", "pandas": "3.0.1", "six": "1.17.0"}
    monkeypatch.setattr(Interpreter, "version_of", lambda self, name: versions.get(name, ""))
    module = Module.from_source("import six\nimport pandas as pd\nimport numpy as np\n" + main())
    (note,) = [one for one in check(module, get_profile("designer")) if one.code == "AZ611"]
    assert (note.level, note.line) == ("note", 2)
    assert "pandas 3.0.1 here and 1.0.5 there" in note.message
    assert "numpy 2.1.0 here and 1.19.1 there" in note.message
    assert "six" not in note.message


@pytest.mark.parametrize(
    "line",
    [
        "x = f'{\"a\"}{d['a']}'",
        "x = f'{f'{1}'}'",
        "type Pair = tuple[int, int]",
        "def f[T](a: T) -> T: return a",
        "class C[T]: pass",
    ],
)
def test_syntax_of_3_12(line):
    # A Python before it cannot read it either.
    expected = "AZ601" if sys.version_info >= (3, 12) else "AZ101"
    assert expected in codes(f"{line}\n" + main(), "designer")


@pytest.mark.parametrize(
    "text", ["f'{1}' f\"{d['a']}\"", "f'{d[\"a\"]}'", "f'a' 'b' + 'c'", 'f"""{d[\'a\']}""" \'x\'']
)
def test_quotation_marks_that_the_designer_reads(text):
    assert codes("d = {'a': 1}\n" + main(f"print({text})"), "designer") == []
