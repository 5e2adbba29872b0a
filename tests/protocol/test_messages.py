"""What travels between processes arrives as it was, with the descriptors that belong to it."""

import dataclasses
import operator
import os
import socket
import sys
import typing

import pytest
from hypothesis import given, strategies
from support import programs

from azml_magic.protocol import job_header, messages, packets
from azml_magic.protocol.codec import from_json, to_json
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.options import Options
from azml_magic.protocol.policy import Level, Policy
from azml_magic.sandbox import standalone
from azml_magic.serving import scoring_messages as serving

KINDS = {
    kind
    for module in (messages, job_header, serving)
    for kind in vars(module).values()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind is not Options
}
PACKETS = (
    messages.TO_MONITOR | messages.FROM_MONITOR | messages.TO_FORK_SERVER
) | messages.FROM_FORK_SERVER


def values_of(hint):
    """Return a strategy for values of a field."""
    if hint is Options:
        return strategies.builds(Options, timeout=strategies.sampled_from([None, 1.5]))
    if dataclasses.is_dataclass(hint):
        return values_for(hint)
    if hint is Level:
        return strategies.sampled_from(Level)
    if typing.get_origin(hint) is tuple:
        return strategies.lists(values_of(typing.get_args(hint)[0])).map(tuple)
    if typing.get_origin(hint) is typing.Union:
        return strategies.one_of(*map(values_of, typing.get_args(hint)))
    plain = {str: strategies.text(), int: strategies.integers(), bool: strategies.booleans()}
    plain[float] = strategies.floats(allow_nan=False)
    plain[type(None)] = strategies.none()
    return plain[hint]


def values_for(kind):
    """Return a strategy for values of a dataclass."""
    hints = typing.get_type_hints(kind)
    return strategies.builds(kind, **{name: values_of(hint) for name, hint in hints.items()})


@pytest.mark.parametrize("kind", sorted(KINDS, key=operator.attrgetter("__qualname__")))
def test_every_message_arrives_as_it_was(kind):
    @given(values_for(kind))
    def arrives(message):
        assert from_json(kind, to_json(message)) == message

    arrives()


def test_a_policy_keeps_its_types():
    policy = Policy(("/usr",), ("/tmp/run",), True, Limits(1 << 30, None), Level.BOTH)
    arrived = from_json(messages.Fork, to_json(messages.Fork(1, "a", "b", policy)))
    assert arrived.policy == policy
    assert isinstance(arrived.policy.level, Level)


def test_descriptors_come_with_their_message():
    ours, theirs = packets.pair()
    with ours, theirs:
        reading, writing = os.pipe()
        packets.send(ours, messages.StartRun(Limits(1 << 30, 1.0)), [writing])
        os.close(writing)
        message, (passed,) = packets.receive(theirs, messages.TO_MONITOR)
        assert message == messages.StartRun(Limits(1 << 30, 1.0))
        assert not os.get_inheritable(passed)
        os.write(passed, b"x")
        os.close(passed)
        assert os.read(reading, 2) == b"x"
        os.close(reading)


def test_the_end_of_the_other_side_is_no_message():
    ours, theirs = packets.pair()
    with ours:
        theirs.close()
        assert packets.receive(ours, PACKETS) == (None, [])


def test_a_message_of_another_conversation_is_refused():
    ours, theirs = packets.pair()
    with ours, theirs:
        packets.send(ours, messages.KillRun("time"))
        with pytest.raises(ValueError, match="KillRun"):
            packets.receive(theirs, messages.FROM_MONITOR)


def test_a_stream_carries_message_body_and_number():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(serving.pack(serving.Score("typed", False), b"{}", 7))
        ours.close()
        assert serving.receive(theirs) == (serving.Score("typed", False), b"{}", 7)
        assert serving.receive(theirs) is None


HIDE = """
import sys
from azml_magic.protocol import packets, messages, job_header
from azml_magic.protocol.codec import from_json, to_json
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.policy import Policy
for name in [name for name in sys.modules if name.startswith("azml_magic")]:
    del sys.modules[name]
sys.modules["azml_magic"] = None
fork = messages.Fork(1, "a", "b", Policy((), (), False, Limits(1, None)))
assert from_json(messages.Fork, to_json(fork)) == fork
header = job_header.JobHeader("pass", "module.py")
assert from_json(job_header.JobHeader, to_json(header)) == header
"""


def test_messages_are_understood_where_the_package_is_hidden():
    """As in the fork server and its workers: names of types cannot be looked up there."""
    environment = {**os.environ, "PYTHONPATH": str(standalone.PACKAGE.parent)}
    programs.run([sys.executable, "-c", HIDE], env=environment)
