"""The magic in a real kernel: binding, output, streaming, errors, interrupts."""

import re

import pytest
from support.waiting import Held

ECHO = "def azureml_main(frame): return frame,\n"


def text_of(messages, kind="display_data", mime="text/html"):
    return "\n".join(
        message["content"]["data"].get(mime, "")
        for message in messages
        if message["msg_type"] == kind
    )


def streams(messages):
    return "".join(
        message["content"]["text"] for message in messages if message["msg_type"] == "stream"
    )


def test_frames_are_bound_and_the_result_is_shown(kernel):
    reply, messages = kernel.execute(f"%%azureml_module -i frame -o out --result res\n{ECHO}")
    assert reply["status"] == "ok", reply
    assert kernel.value("out.equals(frame)") == "True"
    assert kernel.value("res.profile") == "'classic'"
    assert "2 rows" in text_of(messages)
    assert "2 rows" in text_of(messages, mime="text/plain")


@pytest.mark.parametrize("line", ["-o one -o two", "-o one,two"])
def test_each_output_goes_to_its_own_variable(kernel, line):
    kernel.execute("one = two = 'before'")
    source = f"%%azureml_module -i frame -p designer {line}\ndef azureml_main(frame):\n"
    reply, _ = kernel.execute(source + "    return frame.head(1), frame,\n")
    assert reply["status"] == "ok", reply
    assert kernel.value("len(one), len(two)") == "(1, 2)"


def test_the_line_form_runs_a_function_of_a_cell(kernel):
    kernel.execute("def double(frame):\n    return frame.assign(a=frame['a'] * 2),")
    reply, _ = kernel.execute("%azureml_module -f double -i frame -o doubled")
    assert reply["status"] == "ok", reply
    assert kernel.value("doubled['a'].tolist()") == "[2.0, 4.0]"


def test_a_variable_stands_for_an_option(kernel):
    kernel.execute("which = 'designer'")
    reply, _ = kernel.execute(f"%%azureml_module -i frame -p $which --result res\n{ECHO}")
    assert reply["status"] == "ok", reply
    assert kernel.value("res.profile") == "'designer'"


def test_braces_in_a_cell_are_left_alone(kernel):
    source = "%%azureml_module -q --result res\ndef azureml_main():\n    print('{kept} $kept')\n"
    kernel.execute(source)
    assert kernel.value("res.stdout") == r"'{kept} $kept\n'"


def test_output_streams_whole_lines_while_the_module_runs(kernel):
    held = Held()
    source = (
        f"%%azureml_module\n{Held.HOLD}def azureml_main():\n"
        f"    print('one', 1); hold({held.name!r}); print('two', 2)\n"
    )

    def let_go(message):
        if message["msg_type"] == "stream" and message["content"]["text"] == "one 1\n":
            held.let_go()

    _, messages = kernel.execute(source, on_message=let_go)
    texts = [one["content"]["text"] for one in messages if one["msg_type"] == "stream"]
    assert texts == ["one 1\n", "two 2\n"]


def test_progress_appears_after_two_seconds_and_goes(kernel):
    held = Held()
    source = f"%%azureml_module\n{Held.HOLD}def azureml_main():\n    hold({held.name!r})\n"
    shown = []

    def let_go(message):
        shown.append(message)
        if "<progress" in text_of(shown) and "<progress" not in text_of(shown[:-1]):
            held.let_go()

    _, messages = kernel.execute(source, on_message=let_go)
    shown = text_of(messages[:-1])
    assert "<progress" in shown
    updates = [m for m in messages if m["msg_type"] == "update_display_data"]
    assert updates[-1]["content"]["data"]["text/html"] == ""


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ("-i framee", "PortError", ["framee", "did you mean 'frame'"]),
        ("-i kept", "PortError", ["kept", "str", "not a DataFrame"]),
        ("-i datset1=frame", "PortError", ["datset1", "did you mean 'dataset1'"]),
        ("-i frame.head()", "PortError", ["assign it first"]),
        ("-i frame,frame,frame", "PortError", ["two datasets"]),
        ("--ouput x", "OptionError", ["--ouput", "did you mean '--output'"]),
        ("frame", "OptionError", ["-i frame"]),
        ("-p clasic", "OptionError", ["clasic", "classic"]),
        ("-t soon", "OptionError", ["soon", "seconds"]),
        ("-m lots", "OptionError", ["lots"]),
        ("-z nowhere.zip", "BundleError", ["nowhere.zip"]),
        ("-o 1x", "OptionError", ["1x"]),
        ("-o one -o two -o three", "OptionError", ["two output ports"]),
        ("-o one,one", "OptionError", ["'one' is given twice"]),
        ("-o one --result one", "OptionError", ["'one'", "separate variable"]),
        ("--result one,two", "OptionError", ["one,two", "valid variable name"]),
        ("-p classic --profile designer", "OptionError", ["--profile is given twice"]),
        ("-z a.zip -z b.zip", "OptionError", ["-z is given twice"]),
        ("-z 'unclosed", "OptionError", ["quotation"]),
        ("-p $nothing_here", "OptionError", ["nothing_here"]),
    ],
)
def test_a_wrong_line_gets_one_clear_message(kernel, line, name, words):
    reply, _ = kernel.execute(f"%%azureml_module {line}\n{ECHO}")
    assert reply["status"] == "error"
    assert reply["ename"] == name
    shown = "\n".join(reply["traceback"])
    assert all(word in shown for word in words), shown
    assert "azml_magic/" not in shown


def test_a_failure_names_cell_and_line_and_leaves_the_output_alone(kernel):
    kernel.execute("out = 'before'")
    source = "%%azureml_module -i frame -o out\ndef azureml_main(frame):\n    return nope,\n"
    reply, messages = kernel.execute(source)
    assert reply["status"] == "error"
    assert reply["ename"] == "ModuleFailed"
    shown = "\n".join(reply["traceback"])
    count = kernel.value("get_ipython().execution_count")
    assert "Cell In[" in shown
    assert "line 3" in shown
    assert "NameError" in shown
    assert int(count) > 0
    assert kernel.value("out") == "'before'"
    assert "Error 0085" in text_of(messages)


def test_no_raise_error_shows_and_goes_on(kernel):
    source = "%%azureml_module --no-raise-error\ndef azureml_main():\n    1 / 0\n"
    reply, messages = kernel.execute(source)
    assert reply["status"] == "ok"
    assert "ZeroDivisionError" in text_of(messages)


def test_check_reads_and_does_not_run(kernel):
    source = "%%azureml_module -c\ndef azureml_main(frame):\n    print(kept)\n    return frame,\n"
    reply, messages = kernel.execute(source)
    assert reply["status"] == "ok"
    assert "kept" in text_of(messages)
    assert streams(messages) == ""


def test_strict_makes_findings_errors(kernel):
    source = "%%azureml_module -s -i frame\ndef azureml_main(frame):\n    return kept,\n"
    reply, _ = kernel.execute(source)
    assert reply["ename"] == "FindingsError"


def test_quiet_shows_nothing(kernel):
    source = f"%%azureml_module -q -i frame\n{ECHO}"
    _, messages = kernel.execute(source)
    assert {m["msg_type"] for m in messages} <= {"status", "execute_input"}


def test_figures_carry_image_and_alternative_text(kernel):
    source = (
        "%%azureml_module\nimport matplotlib.pyplot as plt\ndef azureml_main():\n"
        "    plt.plot([1, 2]); plt.savefig('line.png')\n"
    )
    _, messages = kernel.execute(source)
    figure = [
        m["content"]["data"] for m in messages if "image/png" in str(m["content"].get("data"))
    ]
    assert len(figure) == 1
    assert 'alt="' in figure[0]["text/html"]
    assert "line.png" in figure[0]["text/html"]


def test_a_result_that_a_cell_ends_with_shows_itself(kernel):
    cell = "import azml_magic\nazml_magic.run('def azureml_main(f): return f,', frame)"
    _, messages = kernel.execute(cell)
    assert "2 rows × 2 columns" in text_of(messages, "execute_result")
    assert "2 rows x 2 columns" in text_of(messages, "execute_result", "text/plain")


def test_an_interrupt_ends_the_run_and_the_kernel_lives(kernel):
    source = (
        "%%azureml_module\nimport signal, time\ndef azureml_main():\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    print('started', flush=True)\n    time.sleep(600)\n"
    )

    def interrupt(message):
        if message["msg_type"] == "stream":
            kernel.manager.interrupt_kernel()

    reply, _ = kernel.execute(source, on_message=interrupt)
    assert reply["status"] == "error"
    assert reply["ename"] == "Interrupted"
    assert kernel.value("1 + 1") == "2"
    reply, _ = kernel.execute(f"%%azureml_module -i frame\n{ECHO}")
    assert reply["status"] == "ok"


def test_defaults_by_config(kernel):
    kernel.execute("%config AzmlMagics.profile = 'designer'")
    kernel.execute(f"%%azureml_module -i frame --result res -q\n{ECHO}")
    assert kernel.value("res.profile") == "'designer'"
    kernel.execute("%config AzmlMagics.profile = 'classic'")


def test_help_fits_a_screen(kernel):
    identity = kernel.client.inspect("%%azureml_module", detail_level=0)
    shown = kernel.reply(identity)["data"]["text/plain"]
    assert "--input" in shown
    assert "examples:" in shown


def test_the_extension_unloads_and_loads_again(kernel):
    kernel.execute("%unload_ext azml_magic")
    reply, _ = kernel.execute(f"%%azureml_module -i frame\n{ECHO}")
    assert reply["status"] == "error"
    kernel.execute("%load_ext azml_magic")
    reply, _ = kernel.execute(f"%%azureml_module -i frame\n{ECHO}")
    assert reply["status"] == "ok"


def test_the_doctor_makes_a_real_run(kernel):
    _, messages = kernel.execute("%azureml_doctor")
    printed = "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")
    report, seen = printed.split("\nA real run\n")
    assert "\nMissing\n" in report
    assert re.match(r"  result           as expected, after [0-9.]+ s\n  confined by ", seen)
    assert "\n  caches           " in seen
