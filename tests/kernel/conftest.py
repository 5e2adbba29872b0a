"""A real kernel, spoken to over the Jupyter protocol."""

import contextlib
import time

import pytest
from jupyter_client.manager import start_new_kernel
from support import programs


class Kernel:
    """One kernel and what it answers."""

    def __init__(self):
        self._ending = contextlib.ExitStack()
        errors = self._ending.enter_context(programs.silent_file())
        # not ours: through the kernel manager, with a file that is looked at in the end
        self.manager, self.client = start_new_kernel(kernel_name="python3", stderr=errors)

    def execute(self, code, *, on_message=None, timeout=120):
        """Run a cell; return its reply and its messages of the output channel."""
        identity = self.client.execute(code)
        messages = []
        deadline = time.monotonic() + timeout
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != identity:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            messages.append(message)
            if on_message is not None:
                on_message(message)
        return self.reply(identity, timeout), messages

    def reply(self, identity, timeout=120):
        """Return the reply on the shell channel to a request."""
        while True:
            message = self.client.get_shell_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") == identity:
                return message["content"]

    def value(self, expression):
        """Return the repr of an expression in the kernel."""
        identity = self.client.execute("", user_expressions={"value": expression})
        data = self.reply(identity)["user_expressions"]["value"]
        return data["data"]["text/plain"]

    def close(self):
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self._ending.close()


@pytest.fixture(scope="module")
def kernel():
    started = Kernel()
    reply, _ = started.execute(
        "%load_ext azml_magic\nimport pandas as pd\n"
        "frame = pd.DataFrame({'a': [1.0, 2.0], 'b': ['x', 'y']})\nkept = 'untouched'"
    )
    assert reply["status"] == "ok", reply
    yield started
    started.close()
