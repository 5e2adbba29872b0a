"""``--debug``: the module in the notebook's process, under the same contract, for a debugger."""

import re

import pytest

ANSI = re.compile(r"\x1b\[[0-9;]*m")
FAILING = (
    "%%azureml_module --debug -i frame\n\n"
    "def half(number):\n    return number / 0\n\n"
    "def azureml_main(data):\n    total = 41\n    return half(total),\n"
)


def text_of(messages):
    return "\n".join(
        m["content"]["data"].get("text/plain", "") for m in messages if "data" in m["content"]
    ) + "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")


def answer(kernel, code, *lines):
    """Run a cell and type lines whenever it asks for one; return all that it printed."""
    waiting = list(lines)
    identity = kernel.client.execute(code, allow_stdin=True)
    printed = ""
    while True:
        try:
            kernel.client.get_stdin_msg(timeout=0.2)
            kernel.client.input(waiting.pop(0))
        except Exception as error:
            if type(error).__name__ != "Empty":
                raise
        try:
            while True:
                message = kernel.client.get_iopub_msg(timeout=0.2)
                if message["parent_header"].get("msg_id") != identity:
                    continue
                if message["msg_type"] == "stream":
                    printed += message["content"]["text"]
                if message["content"].get("execution_state") == "idle":
                    kernel.reply(identity)
                    return ANSI.sub("", printed)
        except Exception as error:
            if type(error).__name__ != "Empty":
                raise


def test_a_debug_run_says_that_nothing_confines_it(kernel):
    source = (
        "%%azureml_module --debug -i frame --result res\n"
        "def azureml_main(f):\n    print('x')\n    return f,\n"
    )
    reply, messages = kernel.execute(source)
    assert reply["status"] == "ok", reply
    assert "no sandbox" in text_of(messages)
    assert "NONE" in kernel.value("res.confinement")
    assert kernel.value("res.stdout") == r"'x\n'"


@pytest.mark.parametrize("profile", ["classic", "designer"])
def test_the_contract_is_the_same(kernel, profile):
    kernel.execute(
        "mixed = pd.DataFrame({'when': pd.to_datetime(['2020-01-02']), 'text': ['x'], 'n': [1],"
        " 'kind': pd.Categorical(['a'])}, index=[7])"
    )
    body = (
        "import sys, os, json\n"
        "def azureml_main(d1=None, d2=None):\n"
        "    print(d1.dtypes.to_dict(), list(d1.index), type(d1['text'].iloc[0]), __name__)\n"
        "    print(d2 is None, sys.argv, sorted(os.listdir('.')), 'azureml' in sys.modules)\n"
        "    return d1.assign(m=[2.5]),\n"
    )
    kernel.execute(f"%%azureml_module -q -p {profile} -i mixed --result there\n{body}")
    kernel.execute(f"%%azureml_module -q -p {profile} -i mixed --result here --debug\n{body}")
    assert kernel.value("here.stdout == there.stdout") == "True", kernel.value("(here, there)")
    assert kernel.value("here.output1.equals(there.output1)") == "True"
    assert kernel.value("here.log == there.log") == "True"


def test_what_the_contract_refuses_is_refused(kernel):
    reply, _ = kernel.execute("%%azureml_module --debug\ndef azureml_main():\n    return 3\n")
    assert reply["ename"] == "ContractError"


def test_the_notebook_is_as_it_was_afterwards(kernel):
    state = (
        "import os, sys\n"
        "state = (os.getcwd(), list(sys.path), list(sys.argv), 'azureml' in sys.modules,"
        " 'azuremod' in sys.modules, sys.stdout is get_ipython().kernel.shell.user_ns.get('o'))"
    )
    kernel.execute("import sys; o = sys.stdout")
    kernel.execute(state + "\nbefore = state")
    kernel.execute("%%azureml_module --debug -p designer -i frame\ndef azureml_main(f): return f,")
    kernel.execute(FAILING)
    kernel.execute(state)
    assert kernel.value("state == before") == "True"


def test_a_failure_has_the_same_traceback_as_a_confined_one(kernel):
    confined, _ = kernel.execute(FAILING.replace(" --debug", ""))
    here, _ = kernel.execute(FAILING)

    def lines(reply):
        return [line for line in reply["traceback"] if "Cell In[" not in line]

    assert lines(here) == lines(confined)
    assert any("line 4, in half" in line for line in here["traceback"])


def test_post_mortem_opens_in_the_frame_that_failed(kernel):
    kernel.execute("1 / 0")  # an older traceback, which %debug must not take
    kernel.execute(FAILING)
    printed = answer(kernel, "%debug", "p number", "up", "p total", "q")
    assert "return number / 0" in printed
    assert "41\n" in printed
    assert "azml_magic" not in printed.split("ipdb>")[0]


def test_a_breakpoint_stops_in_the_cells_line(kernel):
    source = (
        "%%azureml_module --debug -i frame -o out\n"
        "def azureml_main(data):\n    seen = len(data)\n    breakpoint()\n    return data,\n"
    )
    printed = answer(kernel, source, "p seen + 40", "l", "c")
    assert "42" in printed
    assert "5     return data," in printed
    assert kernel.value("out.shape") == "(2, 2)"


def test_the_code_is_known_by_the_cells_file_and_lines(kernel):
    # A frontend's breakpoints name the cell's file and line.
    source = (
        "%%azureml_module --debug -o places\n"
        "import sys\nimport pandas\ndef azureml_main():\n    frame = sys._getframe()\n"
        "    place = {'file': [frame.f_code.co_filename], 'line': [frame.f_lineno]}\n"
        "    return pandas.DataFrame(place),"
    )
    reply, _ = kernel.execute(source)
    assert reply["status"] == "ok", reply
    assert kernel.value("places['line'][0]") in {"6", "np.int64(6)"}
    expected = "get_ipython().compile.get_code_name(In_raw, '', 0)"
    kernel.execute("In_raw = get_ipython().history_manager.input_hist_raw[-2]")
    assert kernel.value(f"places['file'][0] == {expected}") == "True"
