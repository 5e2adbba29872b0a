"""Findings about frames: their index, changes in place, what is returned, files, the bundle."""

import pytest

from azml_magic.checks import check
from azml_magic.contract.profile import get_profile
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from checks.cases import BOTH, CLASSIC, DESIGNER, codes, found, main, with_pandas

# (source, profiles that find it, code, line, rule, words of the message or fix)
CASES = [
    # what is returned
    (main("frame = frame.dropna()", returns="return frame"), CLASSIC, "AZ109", 3, "R2", "frame,"),
    ("azureml_main = lambda f: f.head()", CLASSIC, "AZ109", 1, "R2", "accepted"),
    (main(returns="return {'a': frame}"), CLASSIC, "AZ112", 2, "R11", "a dict"),
    (main(returns="return {'a': 1, 'b': 'x'}"), BOTH, "AZ112", 2, "R11", "a dict"),
    (main(returns="return 5"), CLASSIC, "AZ112", 2, "R11", "5"),
    (main(returns="return 'done'"), CLASSIC, "AZ112", 2, "R11", "'done'"),
    (main(returns="return len(frame)"), CLASSIC, "AZ112", 2, "R11", "single value"),
    (main(returns="return frame['a']"), CLASSIC, "AZ112", 2, "R11", "a Series"),
    (main(returns="return frame.mean()"), CLASSIC, "AZ112", 2, "R11", "a Series"),
    (main(returns="return frame['a'],"), CLASSIC, "AZ112", 2, "R12", "a Series"),
    (main(returns="return frame.values"), CLASSIC, "AZ112", 2, "R11", "an array"),
    (main(returns="return (frame, frame),"), CLASSIC, "AZ112", 2, "R12", "sequence in"),
    (main(returns="return None, frame"), CLASSIC, "AZ112", 2, "R10", "None for its first"),
    (main(returns="return frame.groupby('a')"), BOTH, "AZ112", 2, "R11", "groups"),
    (main(returns="return frame.columns"), BOTH, "AZ112", 2, "R11", "an index"),
    (main(returns="return {1, 2}"), BOTH, "AZ112", 2, "R11", "a set"),
    (main(returns="return (f for f in [frame])"), BOTH, "AZ112", 2, "R11", "a generator"),
    (main(returns="return ()"), BOTH, "AZ112", 2, "R8", "empty"),
    # the index of an input
    (main("y = frame.index.year"), CLASSIC, "AZ271", 2, "3.7", "frame.index.year"),
    (main("y = frame.index.get_level_values(0)"), CLASSIC, "AZ271", 2, "3.7", "numbered from 0"),
    (main("y = frame.loc['total']"), CLASSIC, "AZ271", 2, "3.7", "'total'"),
    (main("y = frame.loc['2015':'2016', 'a']"), CLASSIC, "AZ271", 2, "3.7", "'2015'"),
    (main("y = frame.resample('D').sum()"), CLASSIC, "AZ271", 2, "3.7", "frame.resample"),
    (main("y = frame.groupby(level=0).sum()"), CLASSIC, "AZ271", 2, "3.7", "frame.groupby"),
    (main("y = frame['Model'][0]"), DESIGNER, "AZ272", 2, "3.7", ".iloc[0]"),
    # changes in place
    (
        main("frame['b'] = 1", returns="return frame.copy(),").replace("frame.copy()", "other()")
        + "def other(): pass\n",
        BOTH,
        "AZ273",
        2,
        "A13",
        "return frame,",
    ),
    (main("frame.dropna(inplace=True)", returns=""), BOTH, "AZ273", 2, "A13", "in place"),
    (main("frame.insert(0, 'n', 1)", returns=""), BOTH, "AZ273", 2, "A13", "in place"),
    (main("frame.loc[0, 'a'] = 2", returns=""), BOTH, "AZ273", 2, "A13", "in place"),
    (main("del frame['a']", returns=""), BOTH, "AZ273", 2, "A13", "in place"),
    (main("frame.columns = ['a']", returns=""), BOTH, "AZ273", 2, "A13", "in place"),
    (
        main("for c in frame:\n        frame[c] = 0", returns=""),
        BOTH,
        "AZ273",
        3,
        "A13",
        "in place",
    ),
    # the index of the output
    (main(returns="return frame.set_index('a'),"), CLASSIC, "AZ371", 2, "I2", "set_index"),
    (main(returns="return frame.groupby('a').sum(),"), CLASSIC, "AZ371", 2, "I2", "groupby"),
    (main(returns="return frame.groupby('a')[['b']].agg('sum'),"), CLASSIC, "AZ371", 2, "I2", "by"),
    (main("out = frame.T", returns="return out"), CLASSIC, "AZ371", 3, "I2", "from T"),
    (main("frame.set_index('a', inplace=True)"), CLASSIC, "AZ371", 3, "I2", "set_index"),
    (main("frame.index = frame['a']"), CLASSIC, "AZ371", 3, "I2", "an assignment"),
    (main(returns="return frame.describe().round(2),"), CLASSIC, "AZ371", 2, "I2", "describe"),
    (
        main(returns="return frame['a'].value_counts().to_frame(),"),
        CLASSIC,
        "AZ371",
        2,
        "I2",
        "reset_index()",
    ),
    (
        with_pandas(returns="return pd.DataFrame({'a': [1]}, index=['x']),"),
        CLASSIC,
        "AZ371",
        3,
        "I2",
        "index=",
    ),
    (
        with_pandas(returns="return pd.crosstab(frame['a'], frame['b']),"),
        CLASSIC,
        "AZ371",
        3,
        "I2",
        "crosstab",
    ),
    # files
    (with_pandas("x = pd.read_csv('lookup.csv')"), BOTH, "AZ506", 3, "W1", "port"),
    (main("x = open('a.txt').read()"), BOTH, "AZ506", 2, "W1", "empty at the start"),
    (main(r"x = open('.\\a.txt').read()"), BOTH, "AZ506", 2, "W1", "a.txt"),
]


@pytest.mark.parametrize(("source", "profiles", "code", "line", "rule", "words"), CASES)
def test_a_finding_has_code_line_rule_and_words(source, profiles, code, line, rule, words):
    for profile in profiles:
        findings = [one for one in found(source, profile) if one.code == code]
        assert len(findings) == 1, found(source, profile)
        assert (findings[0].line, findings[0].rule) == (line, rule)
        assert words in f"{findings[0].message} {findings[0].fix}"
        assert findings[0].fix
        assert "\n" not in findings[0].message + findings[0].fix


@pytest.mark.parametrize(("source", "profiles", "code"), [case[:3] for case in CASES])
def test_a_finding_belongs_to_its_profiles(source, profiles, code):
    for profile in set(BOTH) - set(profiles):
        assert code not in codes(source, profile)


CLEAN = [
    main("labels = frame.index.tolist()", "frame.drop(frame.index[[0]], inplace=True)"),
    main("frame = frame.set_index('t')", "y = frame.index.year", returns="return y_of(frame),")
    + "def y_of(f): return f\n",
    main("frame.index = frame['t']", "y = frame.index.year", "frame = frame.reset_index()"),
    main("y = frame.loc[frame['a'] > 0, 'b']"),
    main("frame.index.name = 'row'", "frame.columns.name = None"),
    main("y = frame.set_index('t').resample('D').sum()"),
    main("frame['b'] = 1", "print(frame)", returns="return frame.head(),"),
    main("kept = frame", "kept['b'] = 1", returns="return kept,"),
    main("kept = frame", "frame['b'] = 1", returns="return kept,"),
    main("frame = frame.copy()", "frame['b'] = 1"),
    main("for c in frame:\n        frame[c] = frame[c].abs()"),
    main(returns="return frame.set_index('a').reset_index(),"),
    main(returns="return frame.groupby('a').sum().reset_index(),"),
    main(returns="return frame.groupby('a', as_index=False).sum(),"),
    main(returns="return frame.groupby('a', as_index=False)['b'].mean(),"),
    main("frame.set_index('a', inplace=True)", "frame.reset_index(inplace=True)"),
    main("frame['m'] = frame.groupby('a')['b'].transform('mean')"),
    main("frame = frame.T", "frame = frame.reset_index()"),
    with_pandas(returns="return pd.DataFrame({'a': [1]}, index=range(1)),"),
    with_pandas(returns="return pd.DataFrame({'a': frame['a']}, index=frame.index),"),
    with_pandas("frame.to_csv('a.csv')", "x = pd.read_csv('a.csv')"),
    main("with open('log.txt', 'w') as f:\n        f.write('x')", "x = open('log.txt').read()"),
    main("x = open('Script Bundle/names.txt')"),
    main("x = open(frame['path'][1:].iloc[0])"),
    "import sqlite3\n" + main("x = sqlite3.connect('a.db')"),
    "import os\n" + main("x = os.listdir('.')"),
    main(returns="return [frame]"),
    main(returns="return frame.x"),
    main(returns="return frame.pipe(print),"),
    main("frame = frame['a'].to_frame()"),
]


@pytest.mark.parametrize("source", CLEAN)
def test_what_is_fine_gives_no_finding(source):
    assert codes(source) == []


@pytest.mark.parametrize(
    "returned", ["frame['a']", "5", "'x'", "frame.values", "{'a': [1, 2]}", "frame.mean()", "[5]"]
)
def test_designer_makes_tables_of_values(returned):
    assert codes(main(returns=f"return {returned}"), "designer") == []


def test_the_designer_keeps_an_index():
    assert codes(main("y = frame.index.year", returns="return frame.T,"), "designer") == []


@pytest.mark.parametrize(
    ("path", "files", "expected"),
    [
        ("Script Bundle/names.txt", None, []),
        ("Script Bundle/names.txt", ["names.txt"], []),
        ("Script Bundle/a/names.txt", ["a/names.txt"], []),
        ("Script Bundle/name.txt", ["names.txt"], ["did you mean 'names.txt'?"]),
        ("Script Bundle/names.txt", [], ["no bundle is connected"]),
        ("names.txt", ["names.txt"], ["'Script Bundle/names.txt'"]),
    ],
)
def test_files_are_looked_for_in_the_bundle(path, files, expected):
    findings = found(main(f"x = open('{path}')"), bundle_files=files)
    assert [one.code for one in findings] == ["AZ506"] * len(expected)
    for finding, words in zip(findings, expected, strict=True):
        assert words in f"{finding.message} {finding.fix}"


def test_the_module_of_a_zip_knows_its_own_files():
    bundle = Bundle("b.zip", (("__main__.py", b""), ("data/a.csv", b"")))
    source = with_pandas("x = pd.read_csv('Script Bundle/data/b.csv')")
    findings = check(Module(source, bundle=bundle), get_profile("classic"))
    assert "AZ506" in {one.code for one in findings}


@pytest.mark.parametrize(
    ("name", "profile", "words"),
    [
        ("json", "classic", "standard library"),
        ("numpy", "classic", "package of the cloud"),
        ("nltk", "classic", "package of the cloud"),
        ("azuremod", "classic", "script itself"),
        ("user_script", "designer", "script itself"),
        ("pytest", "designer", "installed here"),
    ],
)
def test_a_module_of_the_bundle_that_is_hidden(name, profile, words):
    findings = found(f"import {name}\n" + main(), profile, bundle_modules=[name])
    assert [(one.code, one.line, one.rule) for one in findings] == [("AZ286", 1, "Z2")]
    assert words in findings[0].message


def test_a_module_of_the_bundle_with_a_name_of_its_own():
    assert codes("import customer_cleaning\n" + main(), bundle_modules=["customer_cleaning"]) == []


def test_parameters_of_helpers_are_what_they_are_called_with():
    helper = "def tidy(f):\n    f['a'].fillna(0, inplace=True)\n    return f\n"
    assert codes(helper + main("frame = tidy(frame)")) == ["AZ622"]
    assert codes(helper + main("frame['b'] = tidy({'a': {}})")) == []
