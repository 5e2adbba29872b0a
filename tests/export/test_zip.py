"""The module zip: what is in it, that it is the same each time, and that it runs."""

import hashlib
import json
import pickle
import sys
import zipfile

import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LinearRegression
from support import programs

import azml_magic
from azml_magic import export
from azml_magic.errors import BundleError, ExportError, OptionError, RunError
from azml_magic.module.bundle import Bundle
from azml_magic.module.exported import manifest_of
from export import sample

BUNDLE = Bundle("bundle", tuple(sorted(sample.BUNDLE.items())))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zip")
    bundle = sample.bundle_folder(folder / "bundle")
    return export(
        sample.SOURCE, folder / "ranker.zip", sample.frame(), bundle=bundle, name=sample.NAME
    )


@pytest.fixture(scope="module")
def cell():
    result = azml_magic.run(sample.SOURCE, sample.frame(), bundle=BUNDLE)
    assert result.output1 is not None
    return result


@pytest.fixture(scope="module")
def unpacked(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(folder)
    return folder


def test_two_exports_are_the_same_bytes(made, tmp_path):
    bundle = sample.bundle_folder(tmp_path / "bundle")
    again = export(
        sample.SOURCE, tmp_path / "other.zip", sample.frame(), bundle=bundle, name=sample.NAME
    )
    assert again.path.read_bytes() == made.path.read_bytes()
    assert again.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()


def test_it_gives_back_the_cells_result(made, cell):
    result = azml_magic.run(made.path, sample.frame())
    assert result.output1 is not None
    pd.testing.assert_frame_equal(result.output1, cell.output1)
    assert (result.stdout, result.log, result.profile) == (cell.stdout, cell.log, cell.profile)


def test_it_is_a_script_bundle(made, cell):
    assert made.script_box == "from ranker import azureml_main\n"
    result = azml_magic.run(made.script_box, sample.frame(), bundle=made.path)
    assert result.output1 is not None
    pd.testing.assert_frame_equal(result.output1, cell.output1)


def test_it_is_a_program(made, cell, tmp_path):
    sample.frame().to_parquet(tmp_path / "in.parquet")
    command = [sys.executable, "-I", made.path, "--dataset1", "in.parquet", "--output", "out"]
    assert programs.run(command, cwd=tmp_path).stdout == "ranked 4\n"
    found = pd.read_parquet(tmp_path / "out" / "data.parquet")
    pd.testing.assert_frame_equal(found, cell.output1)


def test_a_designer_module_as_a_program(tmp_path):
    source = (
        "from azureml.core import Run\n\n\ndef azureml_main(one=None, two=None):\n"
        "    import matplotlib.pyplot as plt\n\n    plt.plot([1, 2])\n"
        '    plt.savefig("line.png")\n'
        '    Run.get_context().upload_file("graphics/line.png", "line.png")\n'
        "    return one, one.head(1)\n"
    )
    frame = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
    export(source, tmp_path / "two.zip", frame, profile="designer")
    frame.to_parquet(tmp_path / "in.parquet")
    command = [sys.executable, "-I", "two.zip", "--dataset1", "in.parquet", "--output", "1.parquet"]
    command += ["--output2", "2.parquet", "--figures", "figures"]
    programs.run(command, cwd=tmp_path)
    result = azml_magic.run(tmp_path / "two.zip", frame)
    assert result.profile == "designer"
    assert result.output1 is not None
    assert result.output2 is not None
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "1.parquet"), result.output1)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "2.parquet"), result.output2)
    assert len(list((tmp_path / "figures").iterdir())) == len(result.figures) == 1


def test_as_a_program_it_fails_as_the_module_does(made, tmp_path):
    sample.frame().drop(columns="amount").to_csv(tmp_path / "in.csv", index=False)
    command = [sys.executable, "-I", made.path, "--dataset1", "in.csv"]
    # The cloud's own text of the error holds the traceback of the module.
    done = programs.run(command, cwd=tmp_path, errors="Traceback", status=1)
    assert "Error 0085: " in done.stderr
    assert "KeyError" in done.stderr
    command[-1] = "nothing.csv"
    programs.run(command, cwd=tmp_path, errors="nothing.csv", status=2)


def test_it_is_an_endpoint(unpacked, cell):
    body = {"Inputs": {"input1": json.loads(sample.frame().to_json(orient="records"))}}
    code = (
        "import json, score\nscore.init()\n"
        f"print(json.dumps(score.run({json.dumps(body)!r})))\n"
        "print(json.dumps(score.run('{}')))\n"
    )
    done = programs.run([sys.executable, "-c", code], cwd=unpacked)
    printed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = pd.DataFrame(printed[0]["Results"]["output1"])
    pd.testing.assert_frame_equal(found.astype(cell.output1.dtypes.to_dict()), cell.output1)
    assert printed[1]["error"]["details"][0]["code"] == "InputMismatchError"


def test_the_component_and_its_environment(unpacked, made):
    component = yaml.safe_load((unpacked / "component.yaml").read_text())
    assert component["type"] == "command"
    assert list(component["inputs"]) == ["dataset1"]
    assert component["command"].startswith("python __main__.py --dataset1 ${{inputs.dataset1}}")
    conda = yaml.safe_load((unpacked / "conda.yaml").read_text())
    pins = (unpacked / "requirements.txt").read_text().split()
    assert conda["dependencies"][-1] == {"pip": pins}
    assert {pin.partition("==")[0] for pin in pins} == {"numpy", "pandas", "pyarrow"}
    assert f"pandas=={pd.__version__}" in pins
    model = yaml.safe_load((unpacked / "MLmodel").read_text())
    names = [column["name"] for column in json.loads(model["signature"]["inputs"])]
    assert names == ["amount", "count", "name", "seen"]


def test_the_manifest_tells_ports_and_columns_and_no_values(made, unpacked):
    manifest = made.manifest
    assert manifest.ports == ("dataset1",)
    types = {column.name: (column.type, column.nullable) for column in manifest.inputs["dataset1"]}
    assert types == {
        "amount": ("number", True),
        "count": ("integer", False),
        "name": ("string", True),
        "seen": ("boolean", False),
    }
    assert "Ünï" not in (unpacked / "azml_module.json").read_text()
    assert set(manifest.files) == {
        path.relative_to(unpacked).as_posix()
        for path in unpacked.rglob("*")
        if path.is_file() and path.name != "azml_module.json" and "__pycache__" not in path.parts
    }


def rewritten(source, target, change):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


CHANGES = {
    "changed": lambda name, content: content + b"#" if name == "scaling.py" else content,
    "is missing": lambda name, content: None if name == "scaling.py" else content,
    "cannot be read": lambda name, content: b"{" if name == "azml_module.json" else content,
}


@pytest.mark.parametrize(("message", "change"), CHANGES.items())
def test_a_zip_that_was_changed_is_refused(made, tmp_path, message, change):
    changed = rewritten(made.path, tmp_path / "changed.zip", change)
    with pytest.raises(BundleError, match=message):
        azml_magic.run(changed, sample.frame())


def test_a_zip_that_something_was_added_to_is_refused(made, tmp_path):
    changed = tmp_path / "more.zip"
    changed.write_bytes(made.path.read_bytes())
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("extra.py", "")
    with pytest.raises(BundleError, match="was added"):
        azml_magic.run(changed, sample.frame())


PLAIN = "def azureml_main(frame):\n    return frame,\n"


@pytest.mark.parametrize("name", ["json", "numpy", "score", "2nd", "mödule", "_azml_runtime"])
def test_names_that_would_not_be_found_are_refused(name, tmp_path):
    with pytest.raises(ExportError):
        export(PLAIN, tmp_path / "x.zip", name=name)


def test_files_with_the_exports_own_names_are_refused(tmp_path):
    bundle = Bundle("b", (("score.py", b""),))
    with pytest.raises(ExportError, match=r"score\.py"):
        export(PLAIN, tmp_path / "x.zip", bundle=bundle)


def test_errors_stand_against_an_export(tmp_path):
    source = "def azureml_main(frame):\n    return scale * frame,\n"
    with pytest.raises(ExportError, match="scale"):
        export(source, tmp_path / "x.zip")
    made = export(source, tmp_path / "x.zip", force=True)
    assert any("scale" in finding.message for finding in made.findings)
    assert any("scale" in finding["message"] for finding in made.manifest.findings)
    with pytest.raises(ExportError, match="not Python"):
        export("def azureml_main(:", tmp_path / "x.zip", force=True)
    with pytest.raises(OptionError):
        export(PLAIN, tmp_path / "x.tar")
    with pytest.raises(RunError):
        export(
            "def azureml_main(f):\n    raise ValueError(f)\n", tmp_path / "x.zip", sample.frame()
        )


def test_a_module_without_samples_has_the_ports_that_it_needs(tmp_path):
    def ports(signature):
        source = f"def azureml_main({signature}):\n    return None\n"
        return export(source, tmp_path / "x.zip").manifest.ports

    assert ports("") == ()
    assert ports("a=None, b=None") == ("dataset1",)
    assert ports("a, b=None") == ("dataset1",)
    assert ports("a, b") == ("dataset1", "dataset2")


def test_local_modules_are_offered_and_taken_by_name(tmp_path):
    (tmp_path / "outer.py").write_text("import inner\n\nTHREE = inner.THREE\n")
    (tmp_path / "inner.py").write_text("THREE = 3\n")
    (tmp_path / "weights.csv").write_text("w\n2\n")
    source = (
        "import outer\nimport pandas as pd\n\n\ndef azureml_main(frame):\n"
        '    w = pd.read_csv("Script Bundle/weights.csv")["w"][0]\n'
        '    frame["b"] = frame["a"] * outer.THREE * w\n    return frame,\n'
    )
    frame = pd.DataFrame({"a": [1.0]})
    with pytest.raises(ExportError, match="outer") as refused:
        export(source, tmp_path / "x.zip", frame, folder=tmp_path)
    assert "--include outer" in refused.value.hint
    taken = {"include": ["outer", "weights.csv"], "folder": tmp_path}
    made = export(source, tmp_path / "x.zip", frame, **taken)
    assert made.manifest.bundle == ("inner.py", "outer.py", "weights.csv")
    output = azml_magic.run(made.path, frame).output1
    assert output is not None
    assert output["b"].tolist() == [6.0]
    left = export(source, tmp_path / "y.zip", include=["outer"], folder=tmp_path)
    assert any(finding.code == "AZ702" for finding in left.findings)


@pytest.mark.parametrize("name", ["nothing", "../outside.py", "compiled"])
def test_what_cannot_be_taken_is_refused_with_the_reason(tmp_path, name):
    (tmp_path / "outside.py").write_text("")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "compiled.so").write_bytes(b"")
    with pytest.raises(ExportError):
        export(PLAIN, tmp_path / "x.zip", include=[name], folder=folder)


def test_a_package_that_the_module_imports_is_pinned(tmp_path):
    source = f"import sklearn.linear_model\n\n\n{PLAIN}"
    made = export(source, tmp_path / "x.zip")
    assert "scikit-learn" in made.manifest.packages


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_package_that_a_pickle_needs_is_pinned(tmp_path, protocol):
    model = pickle.dumps(LinearRegression().fit([[1.0]], [2.0]), protocol=protocol)
    bundle = Bundle("b", (("model.pkl", model), ("other.pkl", b"no pickle")))
    made = export(PLAIN, tmp_path / "x.zip", bundle=bundle)
    assert "scikit-learn" in made.manifest.packages


def test_a_zip_without_a_manifest_is_none():
    assert manifest_of(BUNDLE) is None


def test_what_was_found_in_the_bundle_is_found_by_its_export_too(tmp_path):
    bundle = tmp_path / "b.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("../helper.py", "")
        archive.writestr("Helper.py", "")
    source = "def azureml_main(frame):\n    return frame,\n"
    exported = export(source, tmp_path / "m.zip", bundle=bundle, name="m", profile="designer")
    checked = azml_magic.check(source, bundle, profile="designer")
    assert {"AZ281", "AZ282"} <= {one.code for one in checked}
    assert [one.code for one in exported.findings] == [one.code for one in checked]


def test_the_options_of_a_zip_hold_wherever_it_runs(tmp_path):
    source = "def azureml_main(frame):\n    print(frame['t'].dtype)\n    return frame,\n"
    frame = pd.DataFrame({"t": pd.to_datetime(["2020-01-02"])})
    made = export(source, tmp_path / "m.zip", frame, name="m", dates="datetime")
    again = export(made.path, tmp_path / "n.zip", name="m")
    for exported in (made, again):
        assert exported.manifest.options["dates"] == "datetime"
        assert "datetime64" in azml_magic.run(exported.path, frame).stdout
