"""``azml-magic check`` for people and for programs: text, JSON, SARIF, GitHub's annotations."""

import json
import re
from urllib.parse import unquote

import pytest

from azml_magic import api
from azml_magic.cli import check_command
from azml_magic.cli import command_line as cli
from azml_magic.display.report_formats import github_annotations, json_report, sarif_report
from azml_magic.result import Finding

SOURCE = 'def azureml_main(frame):\n    print(rate)\n    x = open("/a,b%")\n    return frame\n'
CLEAN = "def azureml_main(frame):\n    return frame,\n"
WARNS = "def azureml_main(frame):\n    frame.plot()\n    return frame,\n"
FINDINGS = [
    Finding("AZ111", "error", "`rate` is defined nowhere", "define it", line=2),
    Finding("AZ503", "note", "100% of a, b: c\nand more", rule="X1"),
]


@pytest.fixture
def checked(tmp_path, monkeypatch, capsys):
    """Return a function that checks a source and gives exit status and output."""
    monkeypatch.chdir(tmp_path)

    def check(source, *options, name="module.py"):
        (tmp_path / name).write_text(source)
        status = cli.main(["check", name, *options])
        return status, capsys.readouterr().out

    return check


@pytest.mark.parametrize("form", check_command.FORMATS)
def test_the_exit_status_is_that_of_the_errors(checked, form):
    assert checked(SOURCE, "--format", form)[0] == 1
    assert checked(CLEAN, "--format", form)[0] == 0
    assert checked(WARNS, "--format", form)[0] == 0
    assert checked(WARNS, "--format", form, "--strict")[0] == 1


def test_a_wrong_call_has_a_status_of_its_own(checked):
    assert cli.main(["check", "nowhere.py"]) == 2
    with pytest.raises(SystemExit) as error:
        checked(CLEAN, "--format", "xml")
    assert error.value.code == 2


def test_text_names_code_line_and_fix(checked):
    _, text = checked(SOURCE)
    assert "AZ111, line 2" in text
    assert "Fix:" in text


def test_json_holds_every_field(checked):
    _, text = checked(SOURCE, "--format", "json", "--profile", "designer")
    report = json.loads(text)
    assert report["module"] == "module.py"
    assert report["profile"] == "designer"
    found = [Finding(**fields) for fields in report["findings"]]
    assert [(one.code, one.line) for one in found] == [("AZ111", 2), ("AZ502", 3)]
    assert report["counts"] == {"error": 1, "warning": 1, "note": 0}


def test_github_has_one_command_for_each_finding(checked):
    _, text = checked(SOURCE, "--format", "github")
    lines = text.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
    assert lines[0].startswith("::error file=module.py,title=AZ111,line=2::`rate` is not defined")
    assert checked(CLEAN, "--format", "github")[1] == ""


def test_github_escapes_what_would_end_a_command():
    text = github_annotations(FINDINGS, "a,b:c%.py")
    assert text.splitlines()[1] == (
        "::notice file=a%2Cb%3Ac%25.py,title=AZ503::100%25 of a, b: c%0Aand more"
    )


def test_sarif_of_a_module(checked):
    _, text = checked(SOURCE, "--format", "sarif", name="my module.py")
    assert_sarif(json.loads(text), files={"my module.py"})
    _, text = checked(CLEAN, "--format", "sarif")
    assert_sarif(json.loads(text), files=set())


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/ü.py", "a%20b/%C3%BC.py"),
        ("./module.py", "module.py"),
        ("folder\\module.py", "folder/module.py"),
        ("/home/me/m.py", "file:///home/me/m.py"),
        ("C:\\m.py", "file:///C:/m.py"),
    ],
)
def test_sarif_names_files_by_uri(file, uri):
    report = json.loads(sarif_report(FINDINGS, file, api.codes(), "1.0"))
    place = report["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri


def test_text_that_is_no_text_breaks_no_report():
    odd = [Finding("AZ111", "error", "`\ud800` is \x1b[31m nowhere", line=1)]
    assert json.loads(json_report(odd, "m.py", "classic", "1.0"))["findings"]
    assert_sarif(json.loads(sarif_report(odd, "m.py", api.codes(), "1.0")), files={"m.py"})
    github_annotations(odd, "m.py").encode()


def assert_sarif(report, files):
    """Hold a report against what SARIF 2.1.0 demands of the parts that it uses."""
    assert set(report) == {"$schema", "version", "runs"}
    assert report["version"] == "2.1.0"
    assert report["$schema"].endswith("sarif-2.1.0.json")
    (run,) = report["runs"]
    assert set(run) == {"tool", "columnKind", "results"}
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    driver = run["tool"]["driver"]
    assert set(driver) == {"name", "version", "rules"}
    assert all(isinstance(driver[key], str) and driver[key] for key in ("name", "version"))
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) == {"id", "shortDescription", "defaultConfiguration"}
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
    seen = set()
    for result in run["results"]:
        assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations"}
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert isinstance(result["message"]["text"], str)
        (location,) = result["locations"]
        place = location["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9\-._~:/%]+", uri)
        assert type(place["region"]["startLine"]) is int
        assert place["region"]["startLine"] >= 1
        seen.add(unquote(uri))
    assert seen == files
