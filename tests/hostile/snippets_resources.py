"""Using up what a machine has: each tries to get past a limit, and stops soon after it."""

# fmt: off

from snippet import Snippet, group

# The limits that the snippets run under, and where they call it an escape.
MEMORY = {"memory": "256MB"}
FEW = {"tasks": 16}
SMALL = {"disk": "32MB"}
SOON = {"timeout": 2.0}

_HOLD = """
def hold(megabytes):
    m = mmap.mmap(-1, megabytes << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, megabytes << 20, 4096):
        m[at] = 1
    return m
"""
_CHILDREN = """
kept = []
def spread(count, work):
    for number in range(count):
        if os.fork() == 0:
            try:
                work(number)
                open('got', 'ab').write(b'x')
                time.sleep(3)
            finally:
                os._exit(0)
    time.sleep(1.5)
    return os.path.getsize('got') if os.path.exists('got') else 0
"""

# Of a process whose first thread has ended while another goes on, the kernel shows a zombie.
_LEADERLESS = """
def leaderless(work, *arguments):
    def go_on():
        time.sleep(.1)
        work(*arguments)
        open('got', 'ab').write(b'x')
        time.sleep(3)
        os._exit(0)
    if os.fork() == 0:
        threading.Thread(target=go_on).start()
        call(N['exit'], 0)
def got():
    return os.path.getsize('got') if os.path.exists('got') else 0
"""

memory = group(
    "memory",
    "more than twice the limit of memory is held at a time",
    Snippet("one process", _HOLD + "len(started(lambda: hold(64), 12)) >= 8 and reached('512 MB')"),
    Snippet("processes without their first threads", _HOLD + _LEADERLESS + "kept = []\nfor _ in range(10):\n    leaderless(lambda: kept.append(hold(60)))\ntime.sleep(2)\ngot() >= 9 and reached('540 MB')"),
    Snippet("the worker without its first thread", _HOLD + "def go_on():\n    time.sleep(.1)\n    kept = started(lambda: hold(64), 12)\n    time.sleep(1)\n    len(kept) >= 8 and reached('512 MB')\n    os._exit(0)\nthreading.Thread(target=go_on).start()\ncall(N['exit'], 0)"),
    Snippet("page tables", _CHILDREN + """
def touch(number):
    size = 2 << 30
    m = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=mmap.PROT_READ)
    for at in range(0, size, 2 << 20):
        m[at]
    kept.append(m)
spread(120, touch) >= 115 and reached('480 MB of page tables')
""", slow=True),
    Snippet("pieces of address spaces", _CHILDREN + """
def split(number):
    pieces = 30_000
    libc.mmap.restype = ctypes.c_void_p
    at = libc.mmap(None, ctypes.c_size_t(8192 * pieces), 3, 0x22, -1, 0)
    for piece in range(pieces):
        libc.mprotect(ctypes.c_void_p(at + 8192 * piece), ctypes.c_size_t(4096), 1)
spread(60, split)
time.sleep(8)
os.path.getsize('got') >= 55 and reached('3,300,000 pieces')
""", slow=True),
    Snippet("watches", """
read, write = os.pipe()
counts = os.open('counts', os.O_CREAT | os.O_WRONLY | os.O_APPEND)
for _ in range(30):
    if os.fork() == 0:
        made, copies = 0, [os.dup(read) for _ in range(300)]
        try:
            import select
            kept = [select.epoll() for _ in range(150)]
            for one in kept:
                for copy in copies:
                    one.register(copy, 1); made += 1
        except OSError:
            pass
        os.write(counts, b'%d\\n' % made)
        time.sleep(3)
        os._exit(0)
time.sleep(2.5)
total = sum(map(int, open('counts').read().split()))
total > 20_000 and reached(f'{total} watches')
"""),
    Snippet("locks", _CHILDREN + """
def lock(number):
    files = [open(f'{number}-{n}', 'w+b') for n in range(200)]
    for n in range(30):
        for one in files:
            fcntl.lockf(one, fcntl.LOCK_EX, 1, (1 << 60) - 2 * n)
    kept.append(files)
spread(30, lock)
time.sleep(2)
os.path.getsize('got') >= 28 and reached('160,000 locks')
""", slow=True),
    Snippet("many processes", _HOLD + _CHILDREN + "spread(10, lambda n: kept.append(hold(60))) >= 9 and reached('540 MB')"),
    Snippet("started interpreters", "code = 'x = bytes([1]) * (120 << 20); import time; time.sleep(3)'\np = [subprocess.Popen([sys.executable, '-c', code]) for _ in range(8)]\ntime.sleep(2)\nsum(one.poll() is None for one in p) >= 6 and reached('700 MB')", slow=True),
    Snippet("shared mapping", "m = mmap.mmap(-1, 600 << 20); m[::4096] = b'x' * (600 << 8); reached('600 MB')"),
    Snippet("shared and mostly unmapped", """
kept = []
for _ in range(10):
    address = call(N['mmap'], 0, 64 << 20, 3, 0x21, -1, 0)
    ctypes.memset(address, 1, 64 << 20)
    call(N['munmap'], address + 4096, (64 << 20) - 4096)
    kept.append(address)
reached('640 MB that no process shows')
"""),
    Snippet("zero device", "m = mmap.mmap(os.open('/dev/zero', os.O_RDWR), 600 << 20); m[::4096] = b'x' * (600 << 8); reached('600 MB')"),
    Snippet("memory files", "fds = [os.memfd_create('x') for _ in range(10)]; [os.write(fd, bytes(64 << 20)) for fd in fds]; reached('640 MB')"),
    Snippet("shared memory device", "f = open('/dev/shm/' + F['mark'], 'wb'); f.write(bytes(300 << 20)); reached('300 MB'); f.close(); os.unlink('/dev/shm/' + F['mark'])"),
    Snippet("private mount", "call(N['mount'], b'none', b'.', b'tmpfs', 0, None); open('x', 'wb').write(bytes(600 << 20)); reached('600 MB')"),
    Snippet("sockets", "made = started(socket.socketpair, 3000); len(made) > 400 and reached(f'{len(made)} pairs')"),
    Snippet("sockets of many processes", _CHILDREN + "spread(8, lambda n: kept.extend(socket.socketpair() for _ in range(200))) >= 6 and reached('1,200 pairs')"),
    Snippet("pipes", "made = started(os.pipe, 5000); len(made) > 1024 and reached(f'{len(made)} pipes')"),
    Snippet("address space", "m = started(lambda: mmap.mmap(-1, 1 << 30, flags=0x4022), 100); len(m) > 60 and reached(f'{len(m)} GB')"),
    Snippet("stacks of threads", "threading.stack_size(64 << 20); t = started(lambda: threading.Thread(target=time.sleep, args=(1,)).start() or 1, 200); len(t) > 130 and reached('threads')"),
    Snippet("limit raised", "resource.setrlimit(resource.RLIMIT_DATA, (-1, -1)); reached('no limit')"),
    options=MEMORY,
)
tasks = group(
    "tasks",
    "more processes and threads than the limit live at a time",
    Snippet("processes", "n = len(started(lambda: os.fork() or time.sleep(3) or os._exit(0), 60)); n > 16 and reached(f'{n} processes')"),
    Snippet("threads", "n = len(started(lambda: threading.Thread(target=time.sleep, args=(1,), daemon=True).start() or 1, 200)); n > 16 and reached(f'{n} threads')"),
    Snippet("raw clone", "n = len(started(lambda: call(N['clone'], 17, 0, 0, 0, 0) or time.sleep(3) or os._exit(0), 60)); n > 16 and reached(f'{n} processes')"),
    Snippet("fork bomb", """
until = time.monotonic() + .5
while time.monotonic() < until:
    try:
        if os.fork() == 0:
            open('born', 'ab').write(b'x')
    except OSError:
        pass
if os.getpid() != os.getpgid(0):
    time.sleep(5)
    os._exit(0)
os.path.getsize('born') > 16 and reached(f"{os.path.getsize('born')} processes")
""", harmless=False),
    Snippet("daemons", """
for _ in range(60):
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open('born', 'ab').write(b'x')
                time.sleep(5)
            os._exit(0)
    except OSError:
        time.sleep(.01)
os.path.getsize('born') > 16 and reached(f"{os.path.getsize('born')} daemons")
"""),
    Snippet("started interpreters", "p = started(lambda: subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(3)']), 40); len(p) > 16 and reached('interpreters')"),
    Snippet("threads of children", """
for _ in range(6):
    try:
        if os.fork() == 0:
            for _ in range(20):
                try:
                    threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
                    open('born', 'ab').write(b'x')
                except RuntimeError:
                    pass
            time.sleep(3)
            os._exit(0)
    except OSError:
        pass
time.sleep(.7)
os.path.exists('born') and os.path.getsize('born') > 16 and reached(f"{os.path.getsize('born')} threads")
"""),
    Snippet("threads without the first one", _LEADERLESS + """
def more():
    for _ in range(40):
        try:
            threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
            open('born', 'ab').write(b'x')
        except RuntimeError:
            pass
for _ in range(3):
    leaderless(more)
time.sleep(1)
os.path.exists('born') and os.path.getsize('born') > 16 and reached(f"{os.path.getsize('born')} threads")
"""),
    options=FEW,
)
disk = group(
    "disk",
    "more than three times the limit of disk is taken",
    Snippet("one file", "open('x', 'wb').write(bytes(200 << 20)); reached('200 MB')"),
    Snippet("sparse file", "open('x', 'wb').truncate(1 << 40); reached('a terabyte')"),
    Snippet("reserved file", "os.posix_fallocate(os.open('x', os.O_CREAT | os.O_WRONLY), 0, 200 << 20); reached('200 MB')"),
    Snippet("many files", "for n in range(40):\n    open(f'{n}', 'wb').write(bytes(8 << 20))\n    time.sleep(.05)\nreached('320 MB')"),
    Snippet("files without a name", "kept = []\nfor n in range(40):\n    kept.append(open('x', 'wb')); kept[-1].write(bytes(8 << 20)); kept[-1].flush(); os.unlink('x'); time.sleep(.05)\nreached('320 MB')"),
    Snippet("files without a name or a first thread", _LEADERLESS + "kept = []\ndef fill():\n    for n in range(40):\n        kept.append(open(f'{n}', 'wb')); kept[-1].write(bytes(8 << 20)); kept[-1].flush(); os.unlink(f'{n}'); time.sleep(.05)\nleaderless(fill)\ntime.sleep(4)\ngot() and reached('320 MB')"),
    Snippet("files without a name in descriptors of a thread's own", "call(N['clone'], 0x10000 | 0x100 | 0x800, 0, 0, 0, 0); reached('a table of its own')", harmless=False),
    Snippet("a table of descriptors of its own", "call(N['close_range'], 900, 901, 2); reached('a table of its own')"),
    Snippet("mapped without a name", "kept = []\nfor n in range(40):\n    f = open('x', 'w+b'); f.truncate(8 << 20); m = mmap.mmap(f.fileno(), 8 << 20); m[::4096] = b'x' * 2048; kept.append(m); f.close(); os.unlink('x'); time.sleep(.05)\nreached('320 MB')"),
    Snippet("in messages under way", "a, b = socket.socketpair()\nfor n in range(40):\n    f = open('x', 'wb'); f.write(bytes(8 << 20)); f.flush(); os.unlink('x'); socket.send_fds(a, [b'x'], [f.fileno()]); f.close(); time.sleep(.05)\nreached('320 MB')"),
    Snippet("small files of many processes", _CHILDREN + """
def fill(number):
    os.mkdir(f'd{number}')
    for n in range(100_000):
        with open(f'd{number}/{n}', 'wb') as file:
            file.write(b'x' * 4096)
        n % 1000 == 999 and open('got', 'ab').write(b'x')
spread(4, fill)
time.sleep(4)
os.path.getsize('got') > 96 and reached('384 MB')
""", slow=True, options={"disk": "128MB"}),
    Snippet("more files than the limit", """
for n in range(40_000):
    open(f'{n}', 'w').close()
time.sleep(1)
reached('40,000 files')
""", slow=True, options={"disk": "1GB", "files": 10_000}),
    Snippet("empty files", "for n in range(40000):\n    open(f'{n}', 'w').close()\nreached('40,000 files')", slow=True),
    Snippet("deep folders", "for n in range(3000):\n    os.mkdir('d'); os.chdir('d')\nopen('x', 'wb').write(bytes(100 << 20)); reached('100 MB')"),
    Snippet("other part of the run folder", "f = open('../start/x', 'wb')\nfor n in range(40):\n    f.write(bytes(8 << 20)); f.flush(); time.sleep(.05)\nreached('320 MB')"),
    options=SMALL,
)
time_and_output = group(
    "time and output",
    "the run goes on past its limit, or its output grows the notebook",
    Snippet("endless loop", "while True: pass", options=SOON),
    # Each goes on for longer than its limit and the grace, unless it is ended.
    Snippet("requests without end, each counted", "import select\nr, w = os.pipe()\nwatchers = [select.epoll() for _ in range(18)]\ncopies = [os.dup(r) for _ in range(470)]\nstarted(lambda: [one.register(copy, 1) for one in watchers for copy in copies], 1)\nfor _ in range(8):\n    if os.fork() == 0: break\nuntil = time.monotonic() + 120\nwhile time.monotonic() < until:\n    started(lambda: watchers[-1].register(copies[-1], 1), 1)", options=SOON),
    Snippet("requests without end of many processes", "for _ in range(60):\n    if os.fork() == 0: break\nuntil = time.monotonic() + 120\nwhile time.monotonic() < until:\n    started(os.pipe, 1)", options=SOON),
    Snippet("new processes without end", "until = time.monotonic() + 120\nwhile time.monotonic() < until:\n    started(lambda: os.fork() or os._exit(0), 1)", options=SOON),
    Snippet("signals blocked", "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\nwhile True: time.sleep(1)", options=SOON),
    Snippet("children that loop", "for _ in range(4):\n    os.fork()\nwhile True: pass", options={"timeout": 2.0, "tasks": 16}),
    Snippet("processor time", "for _ in range(2):\n    os.fork()\nwhile True: pass", options={"timeout": 20.0, "cpu_seconds": 1}),
    Snippet("processor time of daemons that end", """
def burn():
    while time.process_time() < .5:
        pass
for _ in range(12):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            burn()
            open('burned', 'ab').write(b'x')
        os._exit(0)
    os.wait()
while os.path.getsize('burned') < 12 if os.path.exists('burned') else True:
    time.sleep(.05)
reached('6 s')
""", options={"timeout": 20.0, "cpu_seconds": 2}),
    Snippet("flood of lines", "for _ in range(200):\n    sys.stdout.write('x' * 999_999 + '\\n')"),
    Snippet("flood of one line", "for _ in range(200):\n    os.write(2, b'x' * 1_000_000)"),
    Snippet("floods of children", "for _ in range(3):\n    os.fork()\nfor _ in range(40):\n    os.write(1, b'x' * 1_000_000)"),
    Snippet("sleep after the end", "import atexit\natexit.register(time.sleep, 60)\nthreading.Thread(target=time.sleep, args=(60,)).start()"),
    Snippet("descriptors", "n = len(started(lambda: os.open('.', 0), 5000)); n > 1024 and reached(f'{n} descriptors')"),
    Snippet("locks of a file", "f = os.open('x', os.O_RDWR | os.O_CREAT)\nfor n in range(5000):\n    fcntl.lockf(f, fcntl.LOCK_EX, 1, 2 * n)"),
    Snippet("queued signals", "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN]); struct.pack_into('iii', buffer, 0, signal.SIGRTMIN, 0, -1)\nn = len(started(lambda: call(N['rt_sigqueueinfo'], os.getpid(), signal.SIGRTMIN, buffer) or 1, 100000)); n > 10000 and reached('signals')"),
    Snippet("timers", "n = len(started(lambda: call(N['timer_create'], 0, None, buffer) or 1, 100000)); n > 10000 and reached('timers')"),
)
snippets = memory + tasks + disk + time_and_output
