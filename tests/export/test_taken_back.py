"""Modules turned back into notebook cells."""

import pandas as pd

import azml_magic
from azml_magic import export, import_cell
from azml_magic.cli.command_line import main
from azml_magic.module.bundle import Bundle
from export import sample

BUNDLE = Bundle("bundle", tuple(sorted(sample.BUNDLE.items())))


def run_cell(imported):
    line, _, source = imported.cell.partition("\n")
    assert line.startswith("%%azureml_module ")
    return azml_magic.run(source, sample.frame(), bundle=imported.bundle or None)


def test_a_zip_comes_back_with_its_bundle(tmp_path):
    path = tmp_path / "ranker.zip"
    export(sample.SOURCE, path, sample.frame(), bundle=BUNDLE, name="ranker")
    imported = import_cell(path, folder=tmp_path)
    bundle = tmp_path / "ranker_bundle.zip"
    line = f"%%azureml_module -n ranker -i dataset1=dataset1 -z {bundle}"
    assert imported.cell == f"{line}\n{sample.SOURCE}"
    expected = azml_magic.run(sample.SOURCE, sample.frame(), bundle=BUNDLE).output1
    assert expected is not None
    pd.testing.assert_frame_equal(run_cell(imported).output1, expected)


def test_a_script_box_that_imports_its_bundle(tmp_path):
    folder = tmp_path / "bundle"
    sample.bundle_folder(folder)
    (folder / "ranker.py").write_text(sample.SOURCE)
    box = tmp_path / "box.txt"
    box.write_text('"""The script box."""\nfrom ranker import azureml_main\n')
    imported = import_cell(box, folder, folder=tmp_path)
    assert imported.name == "ranker"
    assert imported.cell.endswith(sample.SOURCE)
    assert run_cell(imported).output1.shape == (4, 8)


def test_a_plain_script_stays_as_it_is(tmp_path, capsys):
    path = tmp_path / "plain.py"
    path.write_text("def azureml_main(frame):\n    return frame,\n")
    assert main(["import", str(path)]) == 0
    assert capsys.readouterr().out == f"%%azureml_module -n plain\n{path.read_text()}"


def test_the_command_line_exports(tmp_path, capsys):
    module = tmp_path / "ranker.py"
    module.write_text(sample.SOURCE)
    sample.frame().to_csv(tmp_path / "in.csv", index=False)
    bundle = sample.bundle_folder(tmp_path / "bundle")
    target = tmp_path / "ranker.zip"
    arguments = ["export", module, target, "--bundle", bundle, "--dataset1", tmp_path / "in.csv"]
    assert main([str(argument) for argument in arguments]) == 0
    assert "from ranker import azureml_main" in capsys.readouterr().out
    assert azml_magic.run(target, sample.frame()).output1.shape == (4, 8)
