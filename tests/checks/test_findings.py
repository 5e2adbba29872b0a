"""Each finding: when it comes, when it does not, and what it says."""

import sys

import pytest
from support import programs

from azml_magic.checks import check, describe_codes
from azml_magic.contract.profile import get_profile
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from checks.cases import BOTH, CLASSIC, DESIGNER, codes, found, main

# (source, profiles that find it, code, line, rule, words of the message or fix)
CASES = [
    # entry
    ("def azureml_main(:\n", BOTH, "AZ101", 1, "L8", "compile"),
    ("print 'Hello'\n", BOTH, "AZ101", 1, "L8", "print"),
    ("def azureml_main(f):\n  x = 1\nreturn x", BOTH, "AZ101", 3, "L8", "outside function"),
    ("x = '\0'", BOTH, "AZ101", None, "L8", "null"),
    ("import os\n", BOTH, "AZ102", None, "A11", "def azureml_main("),
    ("def azureML_main(f):\n    return f", BOTH, "AZ102", None, "A11", "rename azureML_main"),
    ("def score(f):\n    return f", BOTH, "AZ102", None, "A11", "azureml_main = score"),
    (
        "if __name__ == '__main__':\n    def azureml_main(f): return f\n",
        BOTH,
        "AZ102",
        None,
        "A11",
        "no azureml_main",
    ),
    ("def azureml_main(a, b, c): return a,", BOTH, "AZ103", 1, "A7", "requires 3"),
    ("def azureml_main(a, *, key): return a,", BOTH, "AZ103", 1, "A9", "'key' by keyword"),
    ("def azureml_main(**k): return k['a'],", DESIGNER, "AZ103", 1, "A9", "positional"),
    ("async def azureml_main(a): return a,", BOTH, "AZ104", 1, "R11", "coroutine"),
    ("def azureml_main(a):\n    yield a", BOTH, "AZ104", 2, "R11", "generator"),
    ("x = 1\nazureml_main = lambda a, b, c: a", BOTH, "AZ103", 2, "A7", "requires 3"),
    # returns
    (main(returns="return [frame]"), DESIGNER, "AZ105", 2, "R4", "tuple"),
    ("azureml_main = lambda f: [f]", DESIGNER, "AZ105", 1, "R4", "tuple"),
    (main(returns="return frame, frame.T"), CLASSIC, "AZ106", 2, "R6", "2 frames"),
    (main(returns="return frame, frame, frame"), CLASSIC, "AZ106", 2, "R6", "3 frames"),
    (main(returns="return frame, frame, frame"), DESIGNER, "AZ106", 2, "R7", "first two"),
    (main(returns="return frame, None, frame"), DESIGNER, "AZ106", 2, "R7", "2 frames"),
    (main(returns="print(frame)"), BOTH, "AZ107", 1, "R9", "returns nothing"),
    (main(returns="return None"), BOTH, "AZ107", 1, "R9", "returns nothing"),
    (main(returns="return"), BOTH, "AZ107", 1, "R9", "returns nothing"),
    # names
    (main("print(nowhere)"), BOTH, "AZ111", 2, "", "`nowhere` is not defined anywhere"),
    (main("frame = pd.concat([frame])"), BOTH, "AZ111", 2, "", "import pandas as pd"),
    (main("json.dumps(1)"), BOTH, "AZ111", 2, "", "import json"),
    (main("display(frame)"), BOTH, "AZ111", 2, "", "IPython"),
    # notebook syntax
    ("!pip install nltk\n" + main(), CLASSIC, "AZ120", 1, "", "script bundle"),
    ("!pip install nltk\n" + main(), DESIGNER, "AZ120", 1, "", "os.system"),
    ("%pip install nltk\n" + main(), CLASSIC, "AZ120", 1, "", "script bundle"),
    ("import os\n%matplotlib inline\n" + main(), BOTH, "AZ120", 2, "", "savefig"),
    (main("!ls"), BOTH, "AZ120", 2, "", "`!ls`"),
    (main("files = !ls"), BOTH, "AZ120", 2, "", "remove it"),
    ("%%time\n" + main(), BOTH, "AZ120", 1, "", "plain Python"),
    (main() + "frame?\n", BOTH, "AZ120", 3, "", "frame?"),
    ("!echo \"it's (\n" + main(), BOTH, "AZ120", 1, "", "plain Python"),
    # figures
    (
        "import matplotlib.pyplot as plt\n" + main("plt.plot(frame)"),
        BOTH,
        "AZ401",
        3,
        "W6",
        "savefig",
    ),
    ("from pylab import hist\n" + main("hist(frame)"), BOTH, "AZ401", 3, "W6", "never saved"),
    (main("frame.plot()"), BOTH, "AZ401", 2, "W6", "never saved"),
    (main("frame.plot.bar()"), BOTH, "AZ401", 2, "W6", "never saved"),
    (main("frame['a'].hist(bins=3)"), BOTH, "AZ401", 2, "W6", "never saved"),
    (
        "import seaborn as sns\n" + main("sns.heatmap(frame)"),
        BOTH,
        "AZ401",
        3,
        "W6",
        "never saved",
    ),
    (
        "import pandas as pd\n" + main("pd.plotting.scatter_matrix(frame)"),
        BOTH,
        "AZ401",
        3,
        "W6",
        "never saved",
    ),
    (main("frame.fig.savefig('a.svg')"), CLASSIC, "AZ402", 2, "W4", "SVG"),
    (main("frame.fig.savefig('a', format='pdf')"), CLASSIC, "AZ402", 2, "W4", "PDF"),
    (main("frame.fig.savefig('out/a.png')"), CLASSIC, "AZ402", 2, "W4", "subfolder"),
    (main(r"frame.fig.savefig('out\\a.png')"), CLASSIC, "AZ402", 2, "W4", "'a.png'"),
    (main("frame.fig.savefig('/tmp/a.png')"), BOTH, "AZ402", 2, "W1", "lost"),
    (main("frame.fig.savefig('~/' + frame.name)"), BOTH, "AZ402", 2, "W1", "'~/'"),
    (main("frame.fig.savefig(fname='C:/a.png')"), BOTH, "AZ402", 2, "W1", "lost"),
    (main("frame.fig.savefig('../a.png')"), BOTH, "AZ402", 2, "W1", "lost"),
    (main("frame.fig.savefig('a.png')"), DESIGNER, "AZ403", 2, "W3", "upload_file"),
    # environment
    ("import requests\n" + main("requests.get('x')"), CLASSIC, "AZ501", 3, "W2", "requests"),
    (
        "from urllib.request import urlopen\n" + main("urlopen(frame.url)"),
        CLASSIC,
        "AZ501",
        3,
        "W2",
        "urllib.request.urlopen",
    ),
    (
        "import pandas as pd\n" + main("pd.read_csv('https://x.org/a.csv')"),
        CLASSIC,
        "AZ501",
        3,
        "W2",
        "read_csv",
    ),
    ("import os\n" + main("os.system('pip install x')"), CLASSIC, "AZ501", 3, "W2", "bundle"),
    (
        "from azureml import Workspace\n" + main("Workspace()"),
        CLASSIC,
        "AZ501",
        3,
        "W2",
        "Workspace",
    ),
    ("import nltk\n" + main("nltk.download('punkt')"), CLASSIC, "AZ501", 3, "W2", "nltk.download"),
    (
        "from sklearn.datasets import fetch_california_housing as fetch\n" + main("fetch()"),
        CLASSIC,
        "AZ501",
        3,
        "W2",
        "fetch_california_housing",
    ),
    ("import socket\n" + main("socket.socket()"), CLASSIC, "AZ501", 3, "W2", "socket"),
    (main("x = 1 # " + "x" * 16384), DESIGNER, "AZ503", None, "X1", "16,384"),
    (main() + "if __name__ == '__main__':\n    pass\n", BOTH, "AZ504", 3, "3.11", "never runs"),
    (main() + "if '__main__' == __name__:\n    pass\n", BOTH, "AZ504", 3, "3.11", "never runs"),
    # paths
    (main("open('/home/me/a.txt')"), BOTH, "AZ502", 2, "W1", "Script Bundle"),
    (main(r"open('C:\\data\\a.txt')"), BOTH, "AZ502", 2, "W1", "data"),
    (main("open('~/a.txt')"), BOTH, "AZ502", 2, "W1", "~/a.txt"),
    (main("open('../a.txt')"), BOTH, "AZ502", 2, "W1", "../a.txt"),
    (main("open(file=f'/data/{frame}')"), BOTH, "AZ502", 2, "W1", "/data/"),
    (
        "import pandas as pd\n" + main("pd.read_csv('C:/a.csv')"),
        BOTH,
        "AZ502",
        3,
        "W1",
        "C:/a.csv",
    ),
    ("import os\n" + main("os.path.join('/data', 'a')"), BOTH, "AZ502", 3, "W1", "/data"),
    ("import os\n" + main("os.path.expanduser('~')"), BOTH, "AZ502", 3, "W1", "~"),
    (main("frame.to_csv('/tmp/a.csv')"), BOTH, "AZ502", 2, "W1", "/tmp/a.csv"),
    ("import sys\nsys.path.insert(0, 'D:/lib')\n" + main(), BOTH, "AZ502", 2, "W1", "D:/lib"),
    (
        "import pickle\nm = pickle.load(open('Script Bundle/m.pkl', 'rb'))\n" + main(),
        DESIGNER,
        "AZ505",
        2,
        "Z9",
        "inside azureml_main",
    ),
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
    others = set(BOTH) - set(profiles)
    if code in {"AZ106", "AZ120"}:  # told by both, in other words
        return
    for profile in others:
        assert code not in codes(source, profile)


CLEAN = [
    main(),
    "def azureml_main(*frames): return frames[0],",
    "def azureml_main(a=1, b=2, c=3): return a,",
    "azureml_main = lambda f: (f,)",
    "try:\n    from tools import azureml_main\n"
    "except ImportError:\n    def azureml_main(f): return f,",
    "import os\nif os.name == 'nt':\n    def azureml_main(a, b, c): return a\n"
    "else:\n    def azureml_main(a): return a",
    "import functools\n@functools.lru_cache\ndef azureml_main(a, b, c): return a",
    "def azureml_main(a, b, c): pass\ndef azureml_main(a): return a,",
    "class Runner:\n    def __call__(self, a): return a,\nazureml_main = Runner()",
    main("def helper():\n        yield 1", "rows = list(helper())"),
    main(returns="return (frame,)"),
    main(returns="return frame, None"),
    main(returns="return (*frame,)"),
    main(returns="raise ValueError('not yet')"),
    main("if frame is None:\n        return", "print(1)"),
    main("text = '''\n!ls\n%matplotlib\n'''"),
    main("x = (7\n% 3)"),
    main("frame.plot(); frame.save()"),
    main("open('Script Bundle/names.txt')"),
    main(r"open('.\\Script Bundle\\names.txt')"),
    main("open('/dev/null')"),
    main("frame.x.plot_count = 1"),
    "import matplotlib.pyplot as plt\nplt.style.use('ggplot')\n" + main("plt.show()"),
    "import requests\n" + main("raise requests.exceptions.HTTPError(1)"),
    "from urllib.parse import quote\n" + main("quote('http://x')"),
    "import socket\n" + main("print(socket.gethostname())"),
    main("print('http://example.com', '/home/me')"),
]


@pytest.mark.parametrize("source", CLEAN)
def test_what_is_fine_gives_no_finding(source):
    assert codes(source) == []


@pytest.mark.parametrize("path", ["a.png", "./a.png", "a.PNG", "a", ".\\\\a.png"])
def test_figures_saved_beside_the_script_are_fine(path):
    assert codes(main(f"frame.fig.savefig('{path}')")) == []


def test_a_frame_behind_none_is_told_once():
    assert codes(main(returns="return None, frame"), "classic") == ["AZ112"]
    assert codes(main(returns="return None, frame"), "designer") == []


def test_data_in_a_list_is_a_column_in_designer():
    assert codes(main(returns="return [1, -2, 'x']"), "designer") == []


@pytest.mark.rule("A2", "A3", "A5", "A7", "A8", "A9", profile="classic")
@pytest.mark.parametrize(
    ("parameters", "connected", "expected"),
    [
        ("", [], []),
        ("", ["dataset1"], ["AZ103"]),
        ("a", [], ["AZ103"]),
        ("a", ["dataset1"], []),
        ("a", ["dataset1", "dataset2"], ["AZ103"]),
        ("a, b", ["dataset1"], ["AZ103"]),
        ("a, b=None", ["dataset1"], []),
        ("a, b", ["dataset1", "dataset2"], []),
        ("a=None, b=None", [], []),
        ("a", ["dataset2"], ["AZ108"]),
        ("a, b=1", ["dataset2", "bundle"], ["AZ108"]),
        ("*a", ["dataset1", "dataset2"], []),
        ("a, *b", ["dataset1", "dataset2"], []),
        ("**k", [], []),
        ("**k", ["dataset1"], ["AZ103"]),
        ("a, /, *, k=1", ["dataset1"], ["AZ601"]),
    ],
)
def test_parameters_in_classic(parameters, connected, expected):
    source = f"def azureml_main({parameters}): return print,"
    assert codes(source, "classic", connected=connected) == expected


@pytest.mark.rule("A2", "A3", "A4", "A5", "A8", "A9", profile="designer")
@pytest.mark.parametrize(
    ("parameters", "connected", "expected"),
    [
        ("", [], []),
        ("", ["dataset1"], ["AZ108"]),
        ("a", [], []),
        ("a", ["dataset1"], []),
        ("a", ["dataset1", "dataset2"], ["AZ108"]),
        ("a", ["dataset2"], ["AZ108"]),
        ("a, b", ["dataset1"], []),
        ("a, b", ["dataset2"], []),
        ("*a", ["dataset1"], []),
        ("*a", ["dataset1", "dataset2"], ["AZ108"]),
        ("a, *b", ["dataset1", "dataset2"], []),
        ("*, k=1", [], ["AZ103"]),
    ],
)
def test_parameters_in_designer(parameters, connected, expected):
    source = f"def azureml_main({parameters}): return 1,"
    assert codes(source, "designer", connected=connected) == expected


def test_a_name_of_the_notebook_says_where_it_is_defined():
    source = main("frame = scale(frame) * rate")
    first, second = found(source, known_names={"scale": "Cell In[3]", "rate": ""})
    assert (first.code, second.code) == ("AZ110", "AZ110")
    messages = sorted([first.message, second.message])
    assert messages[0] == "`rate` is defined in the notebook only; it does not exist in Studio"
    assert messages[1] == "`scale` is defined in Cell In[3]; it does not exist in Studio"
    assert first.fix == "move it into this cell or into the script bundle"


@pytest.mark.parametrize(
    ("name", "known", "fix"),
    [
        ("plt", {}, "add `import matplotlib.pyplot as plt` to the module"),
        ("plt", {"plt": "Cell In[1]"}, "add `import matplotlib.pyplot as plt` to the module"),
        ("pytest", {}, "add `import pytest` to the module"),
        ("pytest", {"pytest": ""}, "add `import pytest` to the module, or move it into"),
        ("code", {"code": "Cell In[2]"}, "add `import code` to the module, or move it into"),
        ("tests", {"tests": "Cell In[2]"}, "move it into this cell"),
        ("print_all", {}, "define it"),
    ],
)
def test_what_may_be_a_module_is_told_from_a_variable(name, known, fix):
    (finding,) = found(main(f"x = {name}.a"), known_names=known)
    assert finding.fix.startswith(fix)
    assert finding.code == ("AZ110" if known else "AZ111")


def test_a_name_used_in_a_called_function_names_the_function():
    source = "def clean(f): return f * rate\n" + main("frame = clean(frame)")
    (finding,) = found(source, known_names={"rate": "Cell In[2]"})
    assert finding.message.startswith("`rate` in clean is defined in Cell In[2]")
    assert finding.level == "error"


def test_a_name_in_a_function_that_is_not_used_is_a_warning():
    source = "def spare(f): return f * rate\n" + main()
    (finding,) = found(source)
    assert finding.level == "warning"
    assert "azureml_main does not use" in finding.message


def test_a_module_of_the_bundle_is_suggested():
    source = main("Hello.say()")
    (finding,) = found(source, bundle_modules=["Hello"])
    assert finding.fix == "add `import Hello` to the module"
    module = Module(source, bundle=Bundle("b.zip", (("Hello.py", b""),)))
    assert check(module, get_profile("classic"))[0].fix == finding.fix


def test_lines_are_those_of_the_cell():
    module = Module.from_source(main("print(nowhere)"), label="Cell In[5]", first_line=2)
    assert [finding.line for finding in check(module, get_profile("classic"))] == [3]


def test_findings_come_by_line():
    source = "!ls\n" + main("b", "a", "open('/x')")
    lines = [finding.line for finding in found(source)]
    assert lines == sorted(lines)
    assert len(lines) == 4


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_matter(newline):
    source = main("x = 1", "print(nowhere)").replace("\n", newline)
    assert [finding.line for finding in found(source)] == [3]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# azml: ignore", []),
        ("#azml:ignore[AZ111]", []),
        ("# why not  # azml: ignore[AZ502, AZ111]", []),
        ("# azml: ignore[AZ110]", ["AZ111"]),
        ("# azml ignore", ["AZ111"]),
        ("# azml: ignored", ["AZ111"]),
    ],
)
def test_a_comment_hides_findings_of_its_line(comment, expected):
    assert codes(main(f"print(nowhere)  {comment}")) == expected


def test_a_comment_on_its_own_line_hides_findings_without_line():
    large = main("x = 1") + "# " + "x" * 17_000
    assert codes(large, "designer") == ["AZ503"]
    assert codes("# azml: ignore[AZ503]\n" + large, "designer") == []
    assert codes("# azml: ignore\n" + main("print(nowhere)")) == ["AZ111"]


def test_what_stands_in_a_main_block_is_not_read():
    source = main() + (
        "if __name__ == '__main__':\n    import requests\n"
        "    azureml_main(open('C:/a.csv'), requests.get('x'), nowhere)\n"
    )
    assert codes(source) == ["AZ504"]


def test_an_alias_is_followed_to_its_function():
    assert codes("def score(a, b, c): return a,\nazureml_main = score\n") == ["AZ103"]


@pytest.mark.parametrize("profile", [get_profile(name) for name in BOTH])
@pytest.mark.parametrize(
    "source",
    ["(" * 1000, "-" * 5000 + "1", "x = '\ud800'", "!a\n" * 60, "%", "\f\n" + main(), "\ufeffx"],
)
def test_no_source_breaks_the_reader(source, profile):
    check(Module.from_source(source), profile)


def test_codes_are_described_once_and_match_what_is_found():
    described = describe_codes()
    table = {code: level for code, level, _ in described}
    assert len(table) == len(described)
    assert [code for code, _, _ in described] == sorted(table)
    assert {case[2] for case in CASES} <= set(table)
    assert set(table.values()) <= {"note", "warning", "error"}
    for source, profiles, code, *_ in CASES:
        level = next(one.level for one in found(source, profiles[0]) if one.code == code)
        assert level == table[code]


def test_reading_loads_no_pandas():
    source = "import sys, azml_magic.checks; print('pandas' in sys.modules)"
    assert programs.run([sys.executable, "-c", source]).stdout == "False\n"


MODEL = "from models import load\nfrom sklearn.linear_model import LinearRegression\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["model = LinearRegression().fit(frame, frame['a'])"], ["AZ112"]),
        (["model = LinearRegression()", "model.fit(frame, frame['a'])"], ["AZ112"]),
        # Whose it is nobody can tell.
        (["model = load()"], []),
        (["model = LinearRegression()", "model = load(model)"], []),
        (["global model"], []),
    ],
)
def test_what_a_model_predicts_is_an_array(lines, expected):
    source = MODEL + main(*lines, returns="return model.predict(frame),")
    assert [code for code in codes(source) if code == "AZ112"] == expected
