"""Tab completion and help, as a frontend asks a kernel for them."""

import pytest

SETUP = """\
rates = pd.DataFrame({'rate': [1.0]})
limit = 30
def scorer(frame):
    return frame,
"""


@pytest.fixture(scope="module", autouse=True)
def variables(kernel, tmp_path_factory):
    kernel.execute(SETUP)
    kernel.execute("%%azureml_module -q -n ranker\ndef azureml_main():\n    pass\n")
    kernel.execute(f"import os; os.chdir({str(tmp_path_factory.mktemp('bundles'))!r})")
    kernel.execute("os.makedirs('parts/helpers.d'); open('parts/h.zip', 'w').close()")


def completed(kernel, cell, cursor=None):
    """Return what is offered: text put in place, type told beside it, and the cell after it."""
    cursor = len(cell) if cursor is None else cursor
    reply = kernel.reply(kernel.client.complete(cell, cursor))
    offered = reply["metadata"]["_jupyter_types_experimental"]
    return {
        cell[: item["start"]] + item["text"] + cell[item["end"] :]: item["type"] for item in offered
    }


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%%azureml_module --pro", {"%%azureml_module --profile"}),
        ("%%azureml_module -i ra", {"%%azureml_module -i rates"}),
        ("%%azureml_module -i dataset1=ra", {"%%azureml_module -i dataset1=rates"}),
        ("%%azureml_module -i frame,ra", {"%%azureml_module -i frame,rates"}),
        ("%%azureml_module --input=ra", {"%%azureml_module --input=rates"}),
        ("%%azureml_module -i dat", {f"%%azureml_module -i dataset{n}=" for n in (1, 2)}),
        (
            "%%azureml_module -i dataset1=frame -i da",
            {"%%azureml_module -i dataset1=frame -i dataset2="},
        ),
        ("%%azureml_module -p d", {"%%azureml_module -p designer"}),
        (
            "%%azureml_module -z parts/h",
            {"%%azureml_module -z parts/h.zip", "%%azureml_module -z parts/helpers.d/"},
        ),
        ("%%azureml_module -t $li", {"%%azureml_module -t $limit"}),
        ("%%azureml_module -n ra", {"%%azureml_module -n ranker"}),
        ("x = 1\n%azureml_module -f sc", {"x = 1\n%azureml_module -f scorer"}),
        ("%azureml_module -f ra", {"%azureml_module -f ranker"}),
        ("%azureml_ports ra", {"%azureml_ports ranker"}),
        ("%azureml_export ra", {"%azureml_export ranker"}),
        ("%%azureml_check -i ra", {"%%azureml_check -i rates"}),
    ],
)
def test_what_can_stand_next_is_offered(kernel, typed, offered):
    assert set(completed(kernel, typed)) == offered


def test_a_frame_tells_its_shape_and_an_option_its_meaning(kernel):
    found = completed(kernel, "%%azureml_module -i ")
    assert found["%%azureml_module -i frame"] == "frame\u00a02\u00a0×\u00a02"
    assert "limit" in completed(kernel, "%%azureml_module --ti")["%%azureml_module --timeout"]


def test_an_option_is_offered_once_but_an_input_again(kernel):
    found = completed(kernel, "%%azureml_module -p classic -i frame -")
    assert not any(text.endswith("--profile") for text in found)
    assert any(text.endswith("--input") for text in found)


def test_the_cells_own_code_is_completed_as_ever(kernel):
    cell = "%%azureml_module -i frame\nimport o"
    assert "%%azureml_module -i frame\nimport os" in completed(kernel, cell)
    assert not any("dataset1" in text for text in completed(kernel, "lim"))


def test_unloading_takes_completion_away(kernel):
    kernel.execute("%unload_ext azml_magic")
    assert "%%azureml_module --profile" not in completed(kernel, "%%azureml_module --pro")
    kernel.execute("%load_ext azml_magic\n%reload_ext azml_magic")
    assert kernel.value("len(get_ipython().Completer.custom_matchers)") == "1"


def test_help_fits_a_screen_and_shows_three_examples(kernel):
    identity = kernel.client.inspect("%%azureml_module", detail_level=0)
    shown = kernel.reply(identity)["data"]["text/plain"]
    assert "--input" in shown
    assert len([line for line in shown.splitlines() if "%azureml_module -" in line]) >= 3
    assert len(shown.splitlines()) <= 40
    assert max(map(len, shown.splitlines())) <= 104


def test_defaults_are_read_and_refused_by_config(kernel):
    _, messages = kernel.execute("%config AzmlMagics")
    shown = "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")
    for name in ("profile", "timeout", "memory", "rows", "strict", "dates", "text"):
        assert f"AzmlMagics.{name}=" in shown
    kernel.execute("%config AzmlMagics.profile = 'clasic'")
    assert (
        kernel.value("get_ipython().magics_manager.registry['AzmlMagics'].profile") == "'classic'"
    )
