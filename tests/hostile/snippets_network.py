"""Reaching anything but the notebook's own sockets, by every family and every road."""

# fmt: off

from snippet import Snippet, group

snippets = group(
    "network",
    "a socket of the host is reached, or a socket of a closed family can be made",
    Snippet("tcp", "socket.create_connection(('127.0.0.1', F['tcp']), 2)"),
    Snippet("tcp by name", "socket.create_connection(('localhost', F['tcp']), 2)"),
    Snippet("tcp6", "s = socket.socket(socket.AF_INET6); s.connect(('::1', F['tcp6']))"),
    Snippet("tcp mapped", "s = socket.socket(socket.AF_INET6); s.connect(('::ffff:127.0.0.1', F['tcp']))"),
    Snippet("tcp wildcard", "s = socket.socket(); s.connect(('0.0.0.0', F['tcp']))"),
    Snippet("tcp non-blocking", "s = socket.socket(); s.setblocking(False); s.connect_ex(('127.0.0.1', F['tcp'])); time.sleep(.2)"),
    Snippet("mptcp", "s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); s.connect(('127.0.0.1', F['tcp']))"),
    Snippet("fast open", "s = socket.socket(); s.sendto(b'x', 0x20000000, ('127.0.0.1', F['tcp']))"),
    Snippet("smc", "s = socket.socket(43, socket.SOCK_STREAM); s.connect(('127.0.0.1', F['tcp'])); reached('smc')"),
    Snippet("sctp", "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132); reached('sctp')"),
    Snippet("udp", "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', F['udp']))"),
    Snippet("udp connected", "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', F['udp'])); s.send(b'x')"),
    Snippet("listen", "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); reached('listening')"),
    Snippet("icmp", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); reached('icmp')"),
    Snippet("raw", "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP); reached('raw')"),
    Snippet("packet", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); reached('packet')"),
    Snippet("netlink", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); reached('netlink')"),
    Snippet("vsock", "socket.socket(40, socket.SOCK_STREAM); reached('vsock')"),
    Snippet("crypto", "socket.socket(38, socket.SOCK_SEQPACKET); reached('alg')"),
    Snippet("bluetooth", "socket.socket(31, socket.SOCK_RAW, 0); reached('bluetooth')"),
    Snippet("can", "socket.socket(29, socket.SOCK_RAW, 1); reached('can')"),
    Snippet("xdp", "socket.socket(44, socket.SOCK_RAW, 0); reached('xdp')"),
    Snippet("unix path", "s = socket.socket(socket.AF_UNIX); s.connect(F['unix'])"),
    Snippet("unix abstract", "s = socket.socket(socket.AF_UNIX); s.connect('\\0' + F['abstract'])"),
    Snippet("unix datagram", "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.sendto(b'x', F['unix_dgram'])"),
    Snippet("unix pair sendto", "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.sendto(b'x', F['unix_dgram'])"),
    Snippet("unix pair reconnect", "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.connect(F['unix_dgram']); a.send(b'x')"),
    Snippet("stream pair reconnect", "a, b = socket.socketpair(); a.connect(F['unix'])"),
    Snippet("stream pair sendto", "a, b = socket.socketpair(); a.sendto(b'x', F['unix'])"),
    Snippet("io_uring", "n = libc.syscall(N['io_uring_setup'], 8, ctypes.create_string_buffer(120)); n >= 0 and reached('io_uring')"),
    Snippet("inherited descriptors", """
for fd in range(3, 256):
    try:
        s = socket.socket(fileno=os.dup(fd))
    except OSError:
        continue
    if s.family in (socket.AF_INET, socket.AF_INET6):
        reached(f'descriptor {fd}')
"""),
    Snippet("child process", "subprocess.run([sys.executable, '-c', f\"import socket; socket.create_connection(('127.0.0.1', {F['tcp']}), 2)\"], timeout=20)"),
    Snippet("urllib", "import urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{F['tcp']}/\", timeout=2)"),
    Snippet("getaddrinfo then connect", "info = socket.getaddrinfo('127.0.0.1', F['tcp'])[0]; socket.socket(*info[:3]).connect(info[4])"),
    Snippet("syscall socket", "n = libc.socket(2, 1, 0); n >= 0 and reached('socket')"),
)
