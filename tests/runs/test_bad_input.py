"""What a person can do wrong, and what a module can: one clear message, and life goes on."""

import os
import signal
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest
from support.waiting import until

import azml_magic
from azml_magic.errors import (
    AzmlError,
    BundleError,
    ContractError,
    DiskLimitError,
    InputError,
    Interrupted,
    MemoryLimitError,
    ModuleError,
    ModuleFailed,
    OptionError,
    PortError,
    ResultRefused,
    RunError,
    TimeLimitError,
    WorkerDied,
)

NOTHING = "def azureml_main(*frames): pass\n"
ECHO = "def azureml_main(frame): return frame,\n"
FRAME = pd.DataFrame({"a": [1.0, 2.0]})


@pytest.fixture(autouse=True)
def the_next_run_works():
    yield
    result = azml_magic.run(ECHO, pd.DataFrame({"a": [1]}))
    assert result.output1 is not None
    assert result.output1["a"].tolist() == [1]


def body(code):
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    imports = "import os, sys, time\nimport numpy as np\nimport pandas as pd\n"
    return f"{imports}def azureml_main(frame=None):\n{lines}"


def told(error):
    """Return what a person sees of an error: message, hint, and the findings' ways out."""
    result = getattr(error, "result", None)
    findings = result.findings if result is not None else ()
    return "\n".join([str(error), *(f"{one.message} {one.fix}" for one in findings)])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (("",), {}, ModuleError, ["source"]),
        (("no/such/module.py",), {}, ModuleError, ["no/such/module.py"]),
        ((NOTHING, [1]), {}, PortError, ["dataset1", "list"]),
        ((NOTHING, pd.Series([1])), {}, PortError, ["dataset1", "Series", "to_frame"]),
        ((NOTHING,), {"bundle": "no_such.zip"}, BundleError, ["no_such.zip"]),
        ((NOTHING,), {"profile": "clasic"}, OptionError, ["clasic", "classic"]),
        ((NOTHING,), {"memory": "lots"}, OptionError, ["lots", "2GB"]),
        ((NOTHING,), {"timeout": -1}, OptionError, ["-1"]),
        ((NOTHING,), {"dates": "iso"}, OptionError, ["iso", "epoch"]),
    ],
)
def test_a_wrong_call_is_told(arguments, options, error, words):
    with pytest.raises(error) as raised:
        azml_magic.run(*arguments, **options)
    assert all(word in str(raised.value) for word in words), str(raised.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\n", ["azureml_main", "add def azureml_main"]),
        ("def azurml_main(frame): return frame,\n", ["rename azurml_main to azureml_main"]),
        ("azureml_main = 3\n", ["TypeError", "'int'", "define azureml_main"]),
        ("def azureml_main(frame)\n    return frame,\n", ["SyntaxError", "expected ':'"]),
        ("def azureml_main(a, b): return a,\n", ["TypeError", "'b'", "dataframe2=None"]),
        ("import no_such_package\n" + ECHO, ["no_such_package", "install"]),
        ("def azureml_main(frame): return nope,\n", ["NameError", "nope", "ports"]),
    ],
    ids=["none", "misspelt", "no-function", "syntax", "arguments", "import", "name"],
)
@pytest.mark.parametrize("profile", ["classic", "designer"])
def test_a_module_that_cannot_start_is_told(source, words, profile):
    if profile == "designer" and "(a, b)" in source:
        source, words = source.replace("a, b", "a, b, c"), [*words[:1], "'c'"]
    with pytest.raises(ModuleFailed) as raised:
        azml_magic.run(source, FRAME, profile=profile)
    shown = told(raised.value)
    assert all(word in shown for word in words), shown
    assert "Error 0085" in raised.value.result.failure.cloud_text


def test_a_syntax_error_names_its_line():
    with pytest.raises(ModuleFailed) as raised:
        azml_magic.run("x = 1\ndef azureml_main(frame)\n    return frame,\n", FRAME)
    assert [entry.line for entry in raised.value.result.failure.traceback] == [2]


@pytest.mark.parametrize("profile", ["classic", "designer"])
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"a": pd.Series([], dtype="int64")}),
        pd.DataFrame(index=range(3)),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=[0, None]),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "x"), (1, "y")])),
        pd.DataFrame(np.zeros((3, 2_000))).add_prefix("c"),
        pd.DataFrame({"mixed": pd.Series([1, "two", 3.0, None], dtype=object)}),
    ],
    ids=["empty", "no-rows", "no-columns", "duplicates", "names", "levels", "wide", "mixed"],
)
def test_an_unusual_frame_goes_in_and_out(frame, profile):
    before = frame.copy(deep=True)
    result = azml_magic.run(ECHO, frame, profile=profile)
    pd.testing.assert_frame_equal(frame, before)
    assert len(result.output1.columns) == len(frame.columns)
    assert result.output1.columns.is_unique


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (pd.DataFrame(index=range(3)), "AZ213"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "AZ204"),
        (pd.DataFrame([[1, 2]], columns=[0, None]), "AZ203"),
        (pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, "x")])), "AZ201"),
        (pd.DataFrame({"mixed": pd.Series([1, "two"], dtype=object)}), "AZ210"),
    ],
    ids=["no-columns", "duplicates", "names", "levels", "mixed"],
)
def test_what_was_changed_on_the_way_in_is_told(frame, code):
    findings = azml_magic.run(ECHO, frame).findings
    changed = [finding for finding in findings if finding.code == code]
    assert [finding.port for finding in changed] == ["dataset1"]
    assert changed[0].fix


@pytest.mark.parametrize("cells", [[[1]], [{"a": 1}], [object()]], ids=["list", "dict", "object"])
def test_cells_that_no_dataset_holds_are_refused_by_name(cells):
    with pytest.raises(InputError) as raised:
        azml_magic.run(ECHO, pd.DataFrame({"fine": [1], "odd": cells}))
    assert "odd" in raised.value.message
    assert "dataset1" in raised.value.message
    assert raised.value.hint


def test_the_designer_refuses_names_of_several_levels():
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    with pytest.raises(InputError) as raised:
        azml_magic.run(ECHO, frame, profile="designer")
    assert "join them" in raised.value.hint


@pytest.mark.parametrize(
    "entry", ["../evil.py", "/etc/evil.py", "a/../../evil.py", "C:/evil.py", "..\\evil.py"]
)
def test_an_entry_that_leaves_the_bundle_is_refused(entry, tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(entry), "x")
    with pytest.raises(BundleError) as raised:
        azml_magic.run(NOTHING, bundle=path)
    assert "evil" in str(raised.value)
    assert raised.value.hint


def test_no_zip_a_link_and_a_bomb_are_refused(tmp_path):
    no_zip = tmp_path / "none.zip"
    no_zip.write_text("not a zip")
    link = tmp_path / "link.zip"
    with zipfile.ZipFile(link, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("zeros", "w", force_zip64=True) as zeros:
            for _ in range(1_100):
                zeros.write(bytes(1 << 20))
    for path in (no_zip, link, bomb):
        with pytest.raises(BundleError) as raised:
            azml_magic.run(NOTHING, bundle=path)
        assert path.name in str(raised.value)
        assert raised.value.hint


@pytest.mark.parametrize(
    ("returned", "profiles"),
    [
        ("[frame]", "designer"),  # R4
        ("holder", "designer"),  # R5
        ("()", "classic designer"),  # R8
        ("(None, frame)", "classic"),  # R10
        ("frame['a']", "classic"),  # R11, from here on
        ("{'a': [1]}", "classic"),
        ("{'a': 1}", "classic designer"),
        ("42", "classic"),
        ("'text'", "classic"),
        ("[1, 2]", "classic"),
        ("[[1, 2]]", "classic designer"),
        ("np.arange(3)", "classic"),
        ("np.zeros((2, 2, 2))", "classic designer"),
        ("{1}", "classic designer"),
        ("(one for one in [1])", "classic designer"),
        ("frame.columns", "classic designer"),
        ("(1, 'x')", "classic"),  # R12
    ],
)
@pytest.mark.parametrize("profile", ["classic", "designer"])
def test_a_wrong_return_is_refused_and_any_other_taken(returned, profiles, profile):
    source = body(f"holder = np.empty(1, object)\nholder[0] = frame\nreturn {returned}")
    if profile not in profiles.split():
        assert azml_magic.run(source, FRAME, profile=profile).failure is None
        return
    with pytest.raises(ContractError) as raised:
        azml_magic.run(source, FRAME, profile=profile)
    assert raised.value.hint
    cloud_text = raised.value.result.failure.cloud_text
    assert ("0018" if returned == "holder" else "0085") in cloud_text


@pytest.mark.parametrize(
    ("returned", "profile", "outputs", "codes"),
    [
        ("frame, frame", "classic", 1, ["AZ331"]),  # R6
        ("frame, frame", "designer", 2, []),
        ("frame, frame, frame", "classic", 1, ["AZ331"]),  # R7
        ("frame, frame, frame", "designer", 2, ["AZ331"]),
        ("None", "classic", 0, ["AZ330"]),  # R9
        ("None", "designer", 0, ["AZ330"]),
        ("frame, None", "classic", 1, []),  # R10
        ("frame, None", "designer", 1, []),
        ("None, frame", "designer", 1, []),
    ],
)
def test_a_return_that_loses_something_is_told(returned, profile, outputs, codes):
    result = azml_magic.run(body(f"return {returned}"), FRAME, profile=profile)
    assert sum(output is not None for output in result.outputs) == outputs
    found = [finding.code for finding in result.findings if finding.code.startswith("AZ33")]
    assert found == codes


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("sys.exit(0)", ModuleFailed, ["SystemExit", "sys.exit()"]),
        ("sys.exit(3)", ModuleFailed, ["SystemExit: 3"]),
        ("os._exit(0)", WorkerDied, ["exit status 0", "os._exit"]),
        ("os._exit(5)", WorkerDied, ["exit status 5"]),
        ("os.kill(os.getpid(), 11)", WorkerDied, ["SIGSEGV"]),
        ("import ctypes; ctypes.string_at(0)", WorkerDied, ["SIGSEGV", "native library"]),
        ("raise ValueError('wrong')", ModuleFailed, ["ValueError: wrong"]),
        ("raise KeyboardInterrupt", ModuleFailed, ["KeyboardInterrupt"]),
    ],
)
def test_an_ending_without_a_result_is_told(code, error, words):
    with pytest.raises(error) as raised:
        azml_magic.run(body("print('before')\n" + code))
    assert all(word in str(raised.value) for word in words), str(raised.value)
    assert raised.value.result.stdout == "before\n"


def test_a_module_that_closes_its_descriptors_and_stays_is_ended():
    with pytest.raises(ResultRefused) as raised:
        azml_magic.run(body("print('before', flush=True)\nos.closerange(3, 999)\ntime.sleep(600)"))
    assert raised.value.hint
    assert raised.value.result.stdout == "before\n"


def test_an_endless_loop_is_ended():
    with pytest.raises(TimeLimitError) as raised:
        azml_magic.run(body("print('started', flush=True)\nwhile True: pass"), timeout=3)
    assert "3 s" in raised.value.message
    assert "-t" in raised.value.hint
    assert raised.value.result.stdout == "started\n"


def test_twenty_gigabytes_are_refused():
    with pytest.raises(MemoryLimitError) as raised:
        azml_magic.run(body("x = np.ones(20 << 27)"))
    assert "2 GB" in raised.value.message
    assert "-m" in raised.value.hint


def test_slow_growth_over_the_limit_is_ended():
    code = "held = []\nwhile True:\n    held.append(bytearray(os.urandom(1 << 20)))"
    with pytest.raises(MemoryLimitError):
        azml_magic.run(body(code), memory="256MB")


def test_a_file_over_the_limit_is_refused():
    # The file is sparse: what is limited is its size.
    with pytest.raises(DiskLimitError) as raised:
        azml_magic.run(body("open('big.bin', 'wb').truncate(5 << 30)"))
    assert "4 GB" in raised.value.message


def test_a_gigabyte_of_output_is_cut():
    code = "line = 'x' * 1023 + '\\n'\nfor _ in range(1 << 10): sys.stdout.write(line * 1024)"
    result = azml_magic.run(body(code))
    assert "left out" in result.stdout
    assert len(result.stdout) < 2 << 20


def test_an_interrupt_ends_the_run():
    main = threading.get_ident()
    started = threading.Event()

    def interrupt():
        started.wait(120)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    code = "print('started', flush=True)\ntime.sleep(600)"
    with pytest.raises(KeyboardInterrupt) as raised:
        azml_magic.run(body(code), on_output=lambda stream, text: started.set())
    thread.join()
    assert isinstance(raised.value, Interrupted)
    assert raised.value.result.stdout == "started\n"


def test_nothing_stays_on_disk():
    code = "open('big.bin', 'wb').write(bytes(1 << 20)); print(os.getcwd())"
    where = azml_magic.run(body(code)).stdout.strip()
    assert where
    # The monitor deletes after the notebook has its result.
    until(lambda: not os.path.exists(where))


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("def azurml_main(frame): return frame,\n", "rename azurml_main to azureml_main"),
        ("def azureml_main(a, b): return a,\n", "dataframe2=None"),
        ("def azureml_main(frame)\n    return frame,\n", "fix this line"),
        ("def azureml_main(frame):\n    return 42\n", "line 2: return the frame in a tuple"),
        ("def azureml_main(frame):\n    return frame['a']\n", "line 2: return the frame"),
    ],
    ids=["misspelt", "arguments", "syntax", "scalar", "series"],
)
def test_a_failure_that_reading_foresaw_is_told_once(source, hint):
    with pytest.raises(AzmlError) as raised:
        azml_magic.run(source, FRAME)
    assert hint in raised.value.hint
    assert isinstance(raised.value, RunError)
    assert raised.value.result.findings == ()
