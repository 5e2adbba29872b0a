"""The port picker as a frontend without a widget manager sees it: messages, and a fallback."""

import time

import pytest

SETUP = """\
customers = pd.DataFrame({'a': range(768)})
rates = pd.DataFrame({'r': [1.0, 2.0]})
def azureml_main(data, other=None):
    print('rows', len(data))
    return data.head(3),
"""


@pytest.fixture(scope="module", autouse=True)
def variables(kernel):
    kernel.execute("del frame")
    kernel.execute(SETUP)
    yield
    kernel.execute("frame = pd.DataFrame({'a': [1.0, 2.0], 'b': ['x', 'y']})")


class Shown:
    """A picker that was shown: its models, and what became of its display."""

    def __init__(self, kernel, line="%azureml_ports"):
        self.kernel = kernel
        reply, self.messages = kernel.execute(line)
        assert reply["status"] == "ok", reply
        self.models, self.displays = {}, {}
        self.take(self.messages)

    def take(self, messages):
        for message in messages:
            content = message["content"]
            if message["msg_type"] == "comm_open":
                self.models[content["comm_id"]] = dict(content["data"]["state"])
            elif message["msg_type"] == "comm_msg" and content["comm_id"] in self.models:
                self.models[content["comm_id"]].update(content["data"].get("state", {}))
            elif "display_data" in message["msg_type"]:
                key = content.get("transient", {}).get("display_id", "")
                self.displays[key] = content["data"]

    def field(self, description):
        return next(
            (name, state)
            for name, state in self.models.items()
            if state.get("description") == description
        )

    def say(self, description, data):
        """Tell the kernel what a person did to a widget."""
        name, _ = self.field(description)
        session = self.kernel.client.session
        message = session.msg("comm_msg", {"comm_id": name, "data": data})
        self.kernel.client.shell_channel.send(message)

    def choose(self, description, **state):
        self.say(description, {"method": "update", "state": state, "buffer_paths": []})

    def connect(self, port, frame):
        _, state = self.field(port)
        self.choose(port, index=options(state).index(frame))

    def press(self, description):
        self.say(description, {"method": "custom", "content": {"event": "click"}})

    def wait_for(self, condition, seconds=120):
        deadline = time.monotonic() + seconds
        while not condition(self):
            try:
                self.take([self.kernel.client.get_iopub_msg(timeout=0.5)])
            except Exception as error:
                if type(error).__name__ != "Empty":
                    raise
            assert time.monotonic() < deadline, (self.displays, self.models)
        return self

    def line(self):
        return next(s["value"] for s in self.models.values() if "azml-line" in str(s.get("value")))

    def result(self):
        return next(data["text/plain"] for key, data in self.displays.items() if key)


def options(state):
    return [text.split(" (")[0] for text in state["_options_labels"]]


def test_where_no_widget_is_drawn_a_table_and_the_line_stand(kernel):
    shown = Shown(kernel)
    data = next(data for key, data in shown.displays.items() if not key)
    assert "application/vnd.jupyter.widget-view+json" in data
    for form in ("text/plain", "text/html"):
        assert "customers  768 × 1" in data[form]
        assert "%azureml_module -f azureml_main -i dataset1=customers" in data[form]


def test_without_ipywidgets_the_table_alone_is_shown(kernel):
    kernel.execute(
        "import sys; kept = sys.modules.get('ipywidgets'); sys.modules['ipywidgets'] = None"
    )
    _, messages = kernel.execute("%azureml_ports")
    kernel.execute(
        "sys.modules.pop('ipywidgets'); sys.modules.update(ipywidgets=kept) if kept else 0"
    )
    (data,) = [m["content"]["data"] for m in messages if m["msg_type"] == "display_data"]
    assert set(data) == {"text/plain", "text/html"}
    assert "rates      2 × 1" in data["text/plain"]


def test_frames_and_modules_are_offered_and_follow_the_notebook(kernel):
    shown = Shown(kernel)
    assert options(shown.field("dataset1")[1]) == ["— not connected —", "customers", "rates"]
    assert "customers (768 × 1)" in shown.field("dataset1")[1]["_options_labels"]
    assert options(shown.field("Module")[1]) == ["azureml_main"]
    _, messages = kernel.execute("newer = rates.copy(); del customers")
    shown.take(messages)
    assert options(shown.field("dataset2")[1]) == ["— not connected —", "newer", "rates"]
    kernel.execute(SETUP)


def test_a_run_is_shown_below_and_its_line_stands_by(kernel):
    shown = Shown(kernel)
    shown.connect("dataset1", "customers")
    shown.choose("Output variable", value="top")
    shown.wait_for(lambda s: "-i dataset1=customers -o top" in s.line())
    shown.press("Run module")
    shown.wait_for(lambda s: "3 rows" in s.result())
    assert "%azureml_module -f azureml_main -i dataset1=customers -o top" in shown.result()
    shown.wait_for(lambda s: not s.field("Run module")[1]["disabled"])
    assert kernel.value("top.shape") == "(3, 1)"


def test_a_failure_is_shown_below(kernel):
    kernel.execute("def broken(data):\n    return nope,")
    shown = Shown(kernel, "%azureml_ports broken")
    shown.connect("dataset1", "customers")
    shown.press("Run module")
    shown.wait_for(lambda s: "NameError" in s.result())
    assert "line 2, in broken" in shown.result()
    kernel.execute("del broken")


def test_cancel_ends_the_run_while_the_notebook_stays_usable(kernel):
    kernel.execute("def slow(data):\n    import time\n    print('begun')\n    time.sleep(600)")
    shown = Shown(kernel, "%azureml_ports slow")
    shown.connect("dataset1", "customers")
    shown.press("Run module")
    shown.wait_for(lambda s: any("begun" in str(m.get("value")) for m in s.models.values()))
    assert not shown.field("Cancel")[1]["disabled"]
    assert kernel.value("1 + 1") == "2"
    shown.press("Cancel")
    shown.wait_for(lambda s: "Interrupted" in s.result())
    shown.wait_for(lambda s: not s.field("Run module")[1]["disabled"])
    kernel.execute("del slow")


def test_cancel_counts_before_the_run_has_started(kernel):
    kernel.execute("def slow(data):\n    import time\n    time.sleep(600)")
    kernel.execute(
        "import time\nfrom azml_magic.executors import job\nkept = job.prepare_inputs\n"
        "job.prepare_inputs = lambda *given: (time.sleep(1), kept(*given))[1]"
    )
    shown = Shown(kernel, "%azureml_ports slow")
    shown.connect("dataset1", "customers")
    shown.press("Run module")
    shown.wait_for(lambda s: not s.field("Cancel")[1]["disabled"])
    shown.press("Cancel")
    shown.wait_for(lambda s: "Interrupted" in s.result())
    kernel.execute("job.prepare_inputs = kept\ndel slow, kept, job")


def test_write_turns_the_cell_into_the_line(kernel):
    shown = Shown(kernel)
    shown.connect("dataset1", "rates")
    shown.choose("Strict: findings are errors", value=True)
    shown.wait_for(lambda s: "-i dataset1=rates -s" in s.line())
    reply, _ = kernel.execute("%azureml_ports --write")
    (payload,) = [item for item in reply["payload"] if item["source"] == "set_next_input"]
    assert payload["replace"] is True
    assert payload["text"] == "%azureml_module -f azureml_main -i dataset1=rates -s"


def test_write_brings_the_body_of_a_named_cell(kernel):
    body = "def azureml_main(data):\n    return data,\n"
    kernel.execute(f"%%azureml_module -q -n ranker -i rates\n{body}")
    shown = Shown(kernel, "%azureml_ports ranker")
    shown.connect("dataset1", "customers")
    shown.wait_for(lambda s: "-f ranker -i dataset1=customers" in s.line())
    reply, _ = kernel.execute("%azureml_ports ranker --write")
    assert reply["payload"][0]["text"] == (
        f"%%azureml_module -i dataset1=customers -n ranker\n{body}"
    )
    reply, _ = kernel.execute("%azureml_module -f ranker -i customers -o ranked")
    assert reply["status"] == "ok", reply
    assert kernel.value("ranked.shape") == "(768, 1)"


def test_an_unknown_module_is_refused_with_its_likely_name(kernel):
    reply, _ = kernel.execute("%azureml_ports azureml_mian")
    assert reply["ename"] == "ModuleError"
    assert "did you mean 'azureml_main'" in "\n".join(reply["traceback"])
