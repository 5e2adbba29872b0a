"""Leaving something behind: processes, files, changes that a later run would meet."""

# fmt: off

from snippet import Snippet, group

# Of a process whose first thread has ended while another goes on, the kernel shows a zombie.
_LEADERLESS = """
def leaderless(work):
    if os.fork() == 0:
        os.setsid()
        def go_on():
            time.sleep(.1)
            work()
            os._exit(0)
        threading.Thread(target=go_on).start()
        call(N['exit'], 0)
def burn():
    while True:
        pass
def rest():
    time.sleep(600)
def closed(work):
    os.closerange(0, 1024)
    work()
"""

snippets = group(
    "leftovers",
    "a process, a file or a change is still there after the run",
    Snippet("child", "os.fork() or time.sleep(600)"),
    Snippet("daemon", "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)"),
    Snippet("daemon that ignores signals", "if os.fork() == 0:\n    os.setsid()\n    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n    time.sleep(600)"),
    Snippet("daemon that forks itself", "if os.fork() == 0:\n    until = time.monotonic() + 600\n    while time.monotonic() < until:\n        if os.fork():\n            os._exit(0)\n        os.setsid()"),
    Snippet("many daemons", "for _ in range(30):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(600)"),
    Snippet("interpreter", "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'], start_new_session=True)"),
    Snippet("stopped child", "pid = os.fork()\nif pid == 0:\n    time.sleep(600)\nos.kill(pid, signal.SIGSTOP)"),
    Snippet("child that holds the output", "if os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\nos._exit(0)"),
    Snippet("zombies", "for _ in range(20):\n    os.fork() or os._exit(0)"),
    Snippet("thread", "threading.Thread(target=time.sleep, args=(600,)).start()"),
    Snippet("killed by itself", "os.fork() or time.sleep(600)\nos.kill(os.getpid(), signal.SIGKILL)"),
    Snippet("stopped by itself", "os.kill(os.getpid(), signal.SIGSTOP)", options={"timeout": 2.0}),
    Snippet("abort", "os.abort()"),
    Snippet("crash", "ctypes.string_at(0)"),
    Snippet("folder without rights", "os.makedirs('a/b'); open('a/b/c', 'w'); os.umask(0o777); os.mkdir('d')"),
    Snippet("deep folders", "for _ in range(2000):\n    os.mkdir('d'); os.chdir('d')"),
    Snippet("names that are no text", "for n in range(1, 256):\n    n == 47 or open(bytes([n]), 'w')\nopen('x' * 255, 'w'); open('a\\nb', 'w')"),
    Snippet("folder that changes", "if os.fork() == 0:\n    while True:\n        os.makedirs('a/b'); shutil.rmtree('a')"),
    Snippet("link to the host", "os.symlink('/', 'host'); os.symlink(F['folder'], 'folder')"),
    Snippet("kept files", "open('kept', 'w').write('x'); os.rename('kept', '../start/kept')"),
    Snippet("lock", "fcntl.flock(os.open('.', os.O_RDONLY), fcntl.LOCK_EX)"),
    Snippet("changed library", "import numpy, builtins; numpy.array = None; builtins.len = None; sys.modules.clear()"),
    Snippet("changed library is not met", "import numpy; numpy.array is None and reached('the run before')"),
    Snippet("environment", "os.environ['AZML_LEFT'] = 'x'; os.putenv('AZML_LEFT', 'x')"),
    Snippet("environment is not met", "'AZML_LEFT' in os.environ and reached('the run before')"),
    Snippet("file is not met", "(os.listdir('.') or os.listdir('../start')) and reached('the run before')"),
    Snippet("exit handler", "import atexit; atexit.register(lambda: reached('exit handler'))"),
    Snippet("terminal mode", "import termios; termios.tcsetattr(0, termios.TCSANOW, [0] * 6 + [[b'x'] * 32]); reached('terminal')"),
    Snippet("closed streams", "os.close(1); os.close(2); sys.stdout = None"),
    Snippet("without its first thread", _LEADERLESS + "leaderless(rest); time.sleep(.4)"),
    Snippet("without its first thread, and busy", _LEADERLESS + "leaderless(lambda: closed(burn)); time.sleep(.4)"),
    Snippet("without its first thread, at once", _LEADERLESS + "leaderless(lambda: closed(rest))"),
    Snippet("many without their first threads", _LEADERLESS + "for _ in range(20):\n    leaderless(lambda: closed(rest))\ntime.sleep(.6)"),
    Snippet("a child of one without its first thread", _LEADERLESS + "leaderless(lambda: leaderless(rest)); time.sleep(.6)"),
    Snippet("several threads without the first one", _LEADERLESS + "def more():\n    for _ in range(5):\n        threading.Thread(target=burn).start()\n    rest()\nleaderless(more); time.sleep(.6)"),
    Snippet("without its first thread, and deaf", _LEADERLESS + "def deaf():\n    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n    rest()\nleaderless(deaf); time.sleep(.4)"),
    Snippet("forks without first threads", _LEADERLESS + "def again():\n    leaderless(again)\nleaderless(again); time.sleep(.6)"),
    Snippet("the worker leaves its first thread", "threading.Thread(target=time.sleep, args=(600,)).start()\ncall(N['exit'], 0)", options={"timeout": 2.0}),
    Snippet("the worker leaves its first thread with a child", _LEADERLESS + "leaderless(rest)\nthreading.Thread(target=burn).start()\ncall(N['exit'], 0)", options={"timeout": 2.0}),
    Snippet("kill the first process", _LEADERLESS + "leaderless(rest)\nfor number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGCHLD, signal.SIGTERM):\n    try: os.kill(1, number)\n    except OSError: pass"),
    Snippet("time zone and locale", "os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()"),
)
