"""What a person can do wrong, and what a module can: one clear message, and life goes on."""

import os
import threading
import time
import zipfile

import numpy as np
import pandas as pd
import pytest

import azml_magic
from azml_magic.errors import (
    AzmlError,
    BundleError,
    ContractError,
    InputError,
    MemoryLimitError,
    ModuleError,
    ModuleFailed,
    OptionError,
    PortError,
    TimeLimitError,
    WorkerDied,
)

NOTHING = "def azureml_main(*frames): pass\n"
ECHO = "def azureml_main(frame): return frame,\n"


@pytest.fixture(autouse=True)
def the_next_run_works():
    yield
    result = azml_magic.run("def azureml_main(frame): return frame,\n", pd.DataFrame({"a": [1]}))
    assert result.output1["a"].tolist() == [1]


def body(code):
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    return f"import os, sys, time\nimport numpy as np\nimport pandas as pd\ndef azureml_main():\n{lines}"


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
    ],
    ids=["empty", "no-rows", "no-columns", "duplicates", "names", "multi-index", "wide"],
)
def test_an_unusual_frame_goes_in_and_out(frame, profile):
    before = frame.copy(deep=True)
    result = azml_magic.run(ECHO, frame, profile=profile)
    pd.testing.assert_frame_equal(frame, before)
    assert len(result.output1.columns) == len(frame.columns)
    assert result.output1.columns.is_unique


@pytest.mark.parametrize("cells", [[[1]], [{"a": 1}], [object()]], ids=["list", "dict", "object"])
def test_cells_that_no_dataset_holds_are_refused_by_name(cells):
    with pytest.raises(InputError) as raised:
        azml_magic.run(ECHO, pd.DataFrame({"fine": [1], "odd": cells}))
    assert "odd" in raised.value.message
    assert "dataset1" in raised.value.message


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


@pytest.mark.parametrize(
    "returned", ["42", "'text'", "np.arange(3)", "()", "{'a': [1]}", "pd.Series([1])", "[1, 2]"]
)
def test_a_wrong_return_is_refused(returned):
    with pytest.raises(ContractError) as raised:
        azml_magic.run(body(f"return {returned}"))
    assert raised.value.hint
    assert "0085" in raised.value.result.failure.cloud_text


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("sys.exit(3)", ModuleFailed, ["SystemExit"]),
        ("os._exit(0)", WorkerDied, ["exit status 0"]),
        ("os._exit(5)", WorkerDied, ["exit status 5"]),
        ("os.kill(os.getpid(), 11)", WorkerDied, ["SIGSEGV"]),
        ("import ctypes; ctypes.string_at(0)", WorkerDied, ["SIGSEGV"]),
        ("raise ValueError('wrong')", ModuleFailed, ["ValueError: wrong"]),
    ],
)
def test_an_ending_without_a_result_is_told(code, error, words):
    with pytest.raises(error) as raised:
        azml_magic.run(body("print('before')\n" + code))
    assert all(word in str(raised.value) for word in words), str(raised.value)
    assert raised.value.result.stdout == "before\n"


def test_an_endless_loop_is_ended():
    with pytest.raises(TimeLimitError) as raised:
        azml_magic.run(body("print('started', flush=True)\nwhile True: pass"), timeout=1)
    assert "1 s" in raised.value.message
    assert raised.value.result.stdout == "started\n"


def test_twenty_gigabytes_are_refused():
    with pytest.raises(MemoryLimitError) as raised:
        azml_magic.run(body("x = np.ones(20 << 27)"))
    assert "2 GB" in raised.value.message


def test_slow_growth_over_the_limit_is_ended():
    code = "held = []\nwhile True:\n    held.append(bytearray(os.urandom(1 << 20)))"
    with pytest.raises(MemoryLimitError):
        azml_magic.run(body(code), memory="256MB")


def test_a_gigabyte_of_output_is_cut():
    code = "line = 'x' * 1023 + '\\n'\nfor _ in range(1 << 10): sys.stdout.write(line * 1024)"
    result = azml_magic.run(body(code))
    assert "left out" in result.stdout
    assert len(result.stdout) < 2 << 20


def test_an_interrupt_ends_the_run():
    main = threading.main_thread().ident
    started = threading.Event()

    def interrupt():
        started.wait(20)
        import signal

        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    code = "print('started', flush=True)\ntime.sleep(60)"
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as raised:
        azml_magic.run(body(code), on_output=lambda stream, text: started.set())
    thread.join()
    assert isinstance(raised.value, AzmlError)
    assert time.monotonic() - began < 10
    assert raised.value.result.stdout == "started\n"


def test_nothing_stays_on_disk(tmp_path):
    from azml_magic.runner import client

    monitor = client.acquire()
    client.release(monitor)
    azml_magic.run(body("open('big.bin', 'wb').write(bytes(1 << 20)); print(os.getcwd())"))
    where = azml_magic.run(body("print(os.getcwd())")).stdout.strip()
    assert where
    assert not os.path.exists(where)
