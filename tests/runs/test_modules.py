"""Rules of the contract that only a real run can show."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

import azml_magic
from azml_magic.errors import ContractError, ModuleFailed

PROFILES = ("classic", "designer")


def run(source, *frames, **options):
    return azml_magic.run(source, *frames, **options)


def value_of(expression, *, setup="", before="", profile="classic", **options):
    """Return what an expression is inside ``azureml_main``, as text."""
    source = (
        f"import os, sys\nimport pandas as pd\n{setup}\n"
        f"def azureml_main():\n    {before or 'pass'}\n"
        f"    return pd.DataFrame({{'value': [str({expression})]}}),\n"
    )
    return run(source, profile=profile, **options).output1["value"][0]


@pytest.fixture
def bundle(tmp_path):
    """Return a function that zips files given as keyword ``{path: text}``."""

    def make(files):
        path = tmp_path / "bundle.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return make


@pytest.mark.rule("A13", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_a_mutated_input_does_not_reach_the_notebook(profile):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    before = frame.copy(deep=True)
    source = (
        "def azureml_main(frame):\n"
        "    frame.iloc[0, 0] = 99\n    frame['c'] = 1\n    frame.drop(columns='b', inplace=True)\n"
        "    return frame,\n"
    )
    result = run(source, frame, profile=profile)
    pd.testing.assert_frame_equal(frame, before)
    assert result.output1["a"].tolist() == [99.0, 2.0]


ONE_ROW = "def azureml_main(frame=None): return frame.mean().to_frame().T,\n"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("debug", [False, True])
def test_one_row_of_a_transposed_frame_travels_both_ways(profile, debug):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]})
    row = frame.mean().to_frame().T
    for given in (frame, row):
        found = run(ONE_ROW, given, profile=profile, debug=debug).output1
        assert found.to_dict("list") == {"a": [1.5], "b": [4.0]}


@pytest.mark.rule("A1", "A14", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_the_bundle_is_no_argument(profile, bundle):
    source = "def azureml_main(*frames):\n    print('frames:', len(frames))\n"
    frame = pd.DataFrame({"a": [1]})
    result = run(source, frame, bundle=bundle({"helper.py": ""}), profile=profile)
    assert result.stdout == "frames: 1\n"


@pytest.mark.rule("A4", profile="classic")
def test_the_second_port_alone_is_the_first_argument_in_classic():
    source = "def azureml_main(first, second='default'):\n    print(list(first), second)\n"
    assert run(source, None, pd.DataFrame({"b": [1]})).stdout == "['b'] default\n"


@pytest.mark.rule("A4", profile="designer")
def test_the_second_port_alone_is_the_second_argument_in_designer():
    source = "def azureml_main(first='default', second=None):\n    print(first, list(second))\n"
    result = run(source, None, pd.DataFrame({"b": [1]}), profile="designer")
    assert result.stdout == "None ['b']\n"


@pytest.mark.rule("A11", "L8", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("x = 1\n", "AttributeError"),
        ("azureml_main = 3\n", "TypeError"),
        ("def azureml_main(:\n    pass\n", "SyntaxError"),
        ("import not_installed_anywhere\n", "ModuleNotFoundError"),
    ],
)
def test_a_module_without_its_function_fails_with_0085(source, kind, profile):
    with pytest.raises(ModuleFailed) as raised:
        run(source, profile=profile)
    failure = raised.value.result.failure
    assert failure.kind == kind
    assert failure.cloud_text.startswith("Error 0085: ") or "0085" in failure.cloud_text


@pytest.mark.rule("L7", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("code", ["import sys; sys.exit(0)", "raise KeyboardInterrupt"])
def test_an_exit_is_a_failure(code, profile):
    with pytest.raises(ModuleFailed) as raised:
        run(f"def azureml_main():\n    {code}\n", profile=profile)
    assert raised.value.result.failure.kind in {"SystemExit", "KeyboardInterrupt"}


@pytest.mark.rule("L9", profile="both")
def test_a_refused_value_has_the_number_of_its_profile():
    source = (
        "import pandas as pd\n"
        "def azureml_main():\n    return pd.DataFrame({'when': pd.to_datetime(['2020-01-01'])}),\n"
    )
    with pytest.raises(ContractError) as raised:
        run(source)
    assert "0085" in raised.value.result.failure.cloud_text
    source = "import pandas as pd\ndef azureml_main():\n    return pd.DataFrame({'z': [1j]}),\n"
    with pytest.raises(ContractError) as raised:
        run(source, profile="designer")
    assert "0018" in raised.value.result.failure.cloud_text


@pytest.mark.rule("L14", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_text_beyond_ascii_survives(profile):
    source = "def azureml_main():\n    print('größe ✓ 数')\n"
    assert run(source, profile=profile).stdout == "größe ✓ 数\n"


@pytest.mark.rule("L13", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_warnings_go_to_standard_error(profile):
    source = "import warnings\ndef azureml_main():\n    warnings.warn('careful')\n"
    result = run(source, profile=profile)
    assert "careful" in result.stderr
    assert result.failure is None


@pytest.mark.rule("Z1", "Z2", "Z4", "Z5", "Z6", "Z9", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_a_bundle_is_found_in_its_folder(profile, bundle):
    files = {
        "Hello.py": "def print_hello(name):\n    print('Hello,', name)\n",
        "package/__init__.py": "VALUE = 7\n",
        "models/deep/data.txt": "content",
    }
    source = (
        "from Hello import print_hello\nimport package\n"
        "def azureml_main():\n"
        "    print_hello('World')\n"
        "    print(package.VALUE, open('Script Bundle/models/deep/data.txt').read())\n"
        r"    import sys; print('.\\Script Bundle' in sys.path)"
        "\n"
    )
    result = run(source, bundle=bundle(files), profile=profile)
    assert result.stdout == "Hello, World\n7 content\nTrue\n"


@pytest.mark.rule("Z2", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_installed_packages_win_over_the_bundle(profile, bundle):
    path = bundle({"json.py": "raise RuntimeError('the bundle won')\n"})
    assert value_of("__import__('json').dumps(1)", bundle=path, profile=profile) == "1"


@pytest.mark.rule("Z1", profile="both")
def test_the_bundle_folder_without_a_bundle():
    assert value_of("os.path.isdir('Script Bundle')") == "False"
    assert value_of("os.path.isdir('Script Bundle')", profile="designer") == "True"


@pytest.mark.parametrize(
    "expression",
    [
        r"open('.\\Script Bundle\\models\\x.txt').read()",
        r"open('Script Bundle\\models\\x.txt').read()",
        r"open('.\\Script Bundle\\models/x.txt').read()",
        r"open(os.path.join(os.getcwd(), 'Script Bundle', 'models', 'x.txt')).read()",
        r"open(os.path.join('.\\Script Bundle', 'models', 'x.txt')).read()",
    ],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_backslash_paths_into_the_bundle_work(expression, profile, bundle):
    path = bundle({"models/x.txt": "here"})
    assert value_of(expression, bundle=path, profile=profile) == "here"


def test_a_bundle_folder_is_listed_by_its_backslash_name(bundle):
    path = bundle({"a.txt": "", "b.txt": ""})
    assert value_of(r"sorted(os.listdir('.\\Script Bundle'))", bundle=path) == "['a.txt', 'b.txt']"
    assert value_of(r"sorted(os.listdir('.\\Script Bundle\\'))", bundle=path) == (
        "['a.txt', 'b.txt']"
    )


@pytest.mark.rule("W1", profile="classic")
def test_the_top_level_runs_in_the_run_folder_in_classic():
    setup = "HERE = os.getcwd()"
    assert value_of("HERE == os.getcwd()", setup=setup) == "True"


@pytest.mark.rule("W1", "Z9", profile="designer")
def test_the_top_level_runs_elsewhere_in_designer():
    setup = "HERE = os.getcwd()"
    assert value_of("HERE == os.getcwd()", setup=setup, profile="designer") == "False"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_main_block_does_not_run(profile):
    setup = "ran = __name__ == '__main__'"
    assert value_of("ran", setup=setup, profile=profile) == "False"


def draw(*lines):
    body = "".join(f"    {line}\n" for line in lines)
    return f"import matplotlib.pyplot as plt\ndef azureml_main():\n{body}"


@pytest.mark.rule("W3", "W5", "W9", profile="classic")
def test_saved_figures_are_shown_by_name_whatever_made_them():
    source = draw(
        "plt.plot([1, 2]); plt.savefig('b.png')",
        "plt.figure(); plt.plot([2, 1]); plt.savefig('A.PNG')",
        "from PIL import Image; Image.new('RGB', (7, 5)).save('c.png')",
    )
    result = run(source)
    assert [figure.name for figure in result.figures] == ["A.PNG", "b.png", "c.png"]
    assert (result.figures[2].width, result.figures[2].height) == (7, 5)


@pytest.mark.rule("W3", profile="designer")
def test_designer_shows_uploaded_images_only():
    source = draw(
        "from azureml.core import Run",
        "plt.plot([1, 2]); plt.savefig('kept.png'); plt.savefig('lost.png')",
        "Run.get_context().upload_file('graphics/kept.png', 'kept.png')",
    )
    result = run(source, profile="designer")
    assert [figure.name for figure in result.figures] == ["graphics/kept.png"]
    result = run(draw("plt.plot([1, 2]); plt.savefig('lost.png')"), profile="designer")
    assert result.figures == ()
    assert "AZ413" in {finding.code for finding in result.findings}


@pytest.mark.rule("W3", profile="classic")
def test_the_run_object_is_not_there_in_classic():
    with pytest.raises(ModuleFailed) as raised:
        run("from azureml.core import Run\ndef azureml_main(): pass\n")
    assert raised.value.result.failure.kind == "ModuleNotFoundError"


@pytest.mark.rule("W4", profile="classic")
def test_other_image_files_are_told_and_not_shown():
    source = draw(
        "import os; os.mkdir('sub')",
        "plt.plot([1]); plt.savefig('a.svg'); plt.savefig('sub/b.png')",
    )
    result = run(source)
    assert result.figures == ()
    assert "AZ412" in {finding.code for finding in result.findings}


@pytest.mark.rule("W6", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_an_open_figure_is_told_with_a_preview(profile):
    result = run(draw("plt.plot([1, 2])"), profile=profile)
    assert result.figures == ()
    assert len(result.previews) == 1
    finding = next(item for item in result.findings if item.code == "AZ410")
    assert "savefig" in finding.fix


@pytest.mark.rule("W7", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_show_before_savefig_leaves_the_figure(profile):
    source = draw(
        "plt.plot([1, 2], [1, 2], linewidth=20); plt.show(); plt.savefig('a.png')",
        "from PIL import Image",
        "print(len(set(Image.open('a.png').convert('L').getdata())) > 10)",
    )
    result = run(source, profile=profile)
    assert result.stdout == "True\n"
    assert result.stderr == ""


@pytest.mark.rule("W8", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "backend", ["TkAgg", "Qt5Agg", "agg", "module://matplotlib_inline.backend_inline"]
)
def test_any_backend_may_be_asked_for(backend, profile):
    source = f"import matplotlib\nmatplotlib.use({backend!r})\n" + draw(
        "plt.switch_backend('TkAgg')", "plt.plot([1]); plt.savefig('a.png'); print('saved')"
    )
    assert run(source, profile=profile).stdout == "saved\n"


@pytest.mark.rule("W10", profile="classic")
def test_images_of_the_bundle_are_not_figures(bundle):
    image = io.BytesIO()
    import matplotlib.image

    matplotlib.image.imsave(image, np.zeros((2, 2)), format="png")
    path = bundle({"logo.png": image.getvalue()})
    assert run("def azureml_main(): pass\n", bundle=path).figures == ()


def test_a_pickled_model_goes_through_a_frame_of_bytes():
    train = (
        "import pickle, pandas as pd\n"
        "def azureml_main():\n"
        "    return pd.DataFrame({'model': [pickle.dumps({'weight': 3})]}),\n"
    )
    use = (
        "import pickle, pandas as pd\n"
        "def azureml_main(models):\n"
        "    model = pickle.loads(models['model'][0])\n"
        "    return pd.DataFrame({'weight': [model['weight']]}),\n"
    )
    model = run(train).output1
    assert isinstance(model["model"][0], bytes)
    assert run(use, model).output1["weight"].tolist() == [3]


def test_runs_share_no_state():
    first = (
        "import random, numpy, pandas, builtins\n"
        "def azureml_main():\n"
        "    builtins.left = 1; pandas.DataFrame.head = None; open('left.txt', 'w')\n"
        "    print(random.random(), numpy.random.rand())\n"
    )
    second = (
        "import builtins, os, random, numpy, pandas\n"
        "def azureml_main():\n"
        "    assert not hasattr(builtins, 'left') and pandas.DataFrame.head\n"
        "    assert not os.path.exists('left.txt')\n"
        "    print(random.random(), numpy.random.rand())\n"
    )
    assert run(first).stdout != run(second).stdout
