"""Export, import and serve in a real kernel."""

import json
import urllib.request

CELL = """%%azureml_module -q -i frame -n doubler
def azureml_main(frame):
    frame["c"] = frame["a"] * 2
    return frame,
"""


def text_of(messages):
    return "".join(
        message["content"].get("text", "")
        or message["content"].get("data", {}).get("text/plain", "")
        for message in messages
    )


def test_a_named_module_leaves_and_comes_back(kernel, tmp_path):
    assert kernel.execute(CELL)[0]["status"] == "ok"
    path = tmp_path / "doubler.zip"
    reply, messages = kernel.execute(f"%azureml_export doubler {path}")
    assert reply["status"] == "ok", reply
    assert "from doubler import azureml_main" in text_of(messages)
    reply, _ = kernel.execute(f"%azureml_import {path}")
    (payload,) = reply["payload"]
    assert payload["source"] == "set_next_input"
    assert payload["text"].startswith("%%azureml_module -n doubler -i dataset1=dataset1\n")
    assert 'frame["c"] = frame["a"] * 2' in payload["text"]


def test_a_named_module_is_served_until_it_is_stopped(kernel):
    assert kernel.execute(CELL)[0]["status"] == "ok"
    reply, messages = kernel.execute("%azureml_serve doubler -o service")
    assert reply["status"] == "ok", reply
    assert "doubler is served at http://127.0.0.1:" in text_of(messages)
    url = kernel.value("service.score_url").strip("'")
    body = json.dumps({"Inputs": {"input1": [{"a": 4, "b": "x"}]}}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        assert json.load(response)["Results"]["output1"] == [{"a": 4.0, "b": "x", "c": 8.0}]
    reply, _ = kernel.execute("%azureml_serve doubler --stop")
    assert reply["status"] == "ok"
    assert kernel.value("service.running") == "False"


def test_wrong_names_are_told(kernel):
    assert kernel.execute(CELL)[0]["status"] == "ok"
    reply, _ = kernel.execute("%azureml_export dubler x.zip")
    assert reply["ename"] == "ModuleError"
    assert "doubler" in "".join(reply["traceback"])
    reply, _ = kernel.execute("%azureml_serve doubler --stop")
    assert reply["ename"] == "OptionError"
