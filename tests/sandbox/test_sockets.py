"""The network is closed unless it is asked for, and then it is plain TCP and UDP over IP."""

import contextlib
import ctypes
import encodings.idna  # noqa: F401 - loaded before an interpreter may be out of reach
import os
import socket

import pytest

from azml_magic.sandbox import kernel
from azml_magic.sandbox.syscalls import NUMBERS

LIBC = ctypes.CDLL(None, use_errno=True)


def raw(number, *arguments):
    """Make a system call by name or number; raise what the kernel answers."""
    if isinstance(number, str):
        number = NUMBERS[kernel.machine()][number]
    result = LIBC.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), str(number))
    return result


FAMILIES = {
    "tcp": (2, 1, 0),
    "tcp of IPv6": (10, 1, 0),
    "udp": (2, 2, 0),
    "multipath tcp": (2, 1, 262),
    "sctp": (2, 1, 132),
    "smc": (43, 1, 0),
    "ping": (2, 2, 1),
    "udplite": (2, 2, 136),
    "raw": (2, 3, 1),
    "packet": (17, 3, 0),
    "netlink": (16, 3, 0),
    "unix": (1, 1, 0),
    "unix datagrams": (1, 2, 0),
    "vsock": (40, 1, 0),
    "algorithms": (38, 5, 0),
    "bluetooth": (31, 3, 0),
    "xdp": (44, 3, 0),
    "can": (29, 3, 1),
}
ALLOWED_WITH_NETWORK = {"tcp", "tcp of IPv6", "udp"}


@pytest.mark.parametrize("name", FAMILIES)
def test_no_socket_can_be_made(refuses, name):
    refuses(lambda: raw("socket", *FAMILIES[name]), "EPERM")


@pytest.mark.parametrize("name", FAMILIES.keys() - ALLOWED_WITH_NETWORK)
def test_the_network_is_plain_ip_only(refuses, name):
    refuses(lambda: raw("socket", *FAMILIES[name]), "EPERM", network=True)


def test_high_bits_of_an_argument_change_nothing(refuses):
    refuses(lambda: raw("socket", ctypes.c_long(2 | 1 << 32), 1, 262), "EPERM", network=True)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_network_reaches_a_server(sandbox, family):
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip("no such addresses here")
    with server:
        port = server.getsockname()[1]

        def connect():
            with socket.create_connection((address, port), 5) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection.sendall(b"hello")

        assert sandbox.run(connect, network=True).error == ""
        with server.accept()[0] as accepted:
            assert accepted.recv(5, socket.MSG_WAITALL) == b"hello"


@pytest.fixture
def listening(sandbox):
    """Paths of a stream and a datagram socket outside, and an abstract name; all reachable."""
    sockets = []
    paths = []
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        paths.append(str(sandbox.outside / f"socket-{int(kind)}"))
        sockets.append(socket.socket(socket.AF_UNIX, kind))
        sockets[-1].bind(paths[-1])
        os.chmod(paths[-1], 0o777)
    paths.append(f"\0sandbox-test-{os.getpid()}")
    sockets.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    sockets[-1].bind(paths[-1])
    sockets[0].listen()
    for made in sockets:
        made.setblocking(False)
    yield paths
    for made in sockets:
        with pytest.raises(BlockingIOError):
            made.accept() if made is sockets[0] else made.recv(1)
        made.close()


@pytest.mark.parametrize("network", [False, True])
def test_unix_sockets_outside_are_not_reached(sandbox, listening, network):
    def attempt():
        # A sequenced pair ignores the address; whether anything arrived is for `listening`.
        for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
            for path in listening:
                try:
                    one, _ = socket.socketpair(socket.AF_UNIX, kind)
                except PermissionError:
                    continue
                for call in (lambda s, p: s.sendto(b"x", p), lambda s, p: s.connect(p)):
                    with contextlib.suppress(OSError):
                        call(one, path)
        return "tried"

    assert sandbox.run(attempt, network=network).value == "tried"


def test_pairs_of_datagram_sockets_are_refused(refuses):
    refuses(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM), "EPERM")
    refuses(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC))


def test_pairs_of_streams_work(sandbox):
    def talk():
        one, other = socket.socketpair()
        one.sendall(b"hello")
        return other.recv(5, socket.MSG_WAITALL).decode()

    assert sandbox.run(talk).value == "hello"


def test_a_pair_takes_no_packet_filter(refuses):
    refuses(
        lambda: socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, 26, bytes(16)), "ENOPROTOOPT"
    )
