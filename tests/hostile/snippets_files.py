"""Reading, writing or changing anything outside the run folder."""

# fmt: off

from snippet import Snippet, group

reading = group(
    "reading",
    "the secret, or anything private of the host, is printed",
    Snippet("secret", "print(open(F['secret']).read())"),
    Snippet("readable file", "print(open(F['readable']).read())"),
    Snippet("list the folder", "reached(os.listdir(F['folder']))"),
    Snippet("scandir the folder", "reached([e.name for e in os.scandir(F['folder'])])"),
    Snippet("password file", "reached(open('/etc/passwd').readline())"),
    Snippet("shadow file", "reached(open('/etc/shadow').readline())"),
    Snippet("hostname", "reached(open('/etc/hostname').read())"),
    Snippet("home", "sees(F['home'])"),
    Snippet("root folder", "sees('/')"),
    Snippet("temporary folder", "os.path.basename(F['folder']) in os.listdir(os.path.dirname(F['folder'])) and reached('temporary folder')"),
    Snippet("beside the run folder", "own = os.path.dirname(os.getcwd())\nnames = set(os.listdir(own)) - {'work', 'start', 'uploads', 'previews'}\nnames and reached(names)"),
    Snippet("other run folders", "own = os.path.dirname(os.getcwd())\nnames = [p for p in glob.glob(F['temporary'] + '/azml_magic-*/run-*') if p != own]\nnames and reached(names)"),
    Snippet("symbolic link", "os.symlink(F['secret'], 'link'); print(open('link').read())"),
    Snippet("hard link", "os.link(F['secret'], 'link'); print(open('link').read())"),
    Snippet("linkat of /proc", "n = libc.linkat(-100, F['secret'].encode(), -100, b'link', 0x400); n == 0 and print(open('link').read())"),
    Snippet("dot dot", "print(open('../../../../../../../..' + F['secret']).read())"),
    Snippet("open by path only", "fd = os.open(F['secret'], os.O_PATH); print(open(f'/proc/self/fd/{fd}').read())"),
    Snippet("open by handle", "n = libc.syscall(N['name_to_handle_at'], -100, F['secret'].encode(), ctypes.create_string_buffer(256), ctypes.create_string_buffer(8), 0); n == 0 and reached('handle')"),
    Snippet("openat2", "h = struct.pack('QQQ', 0, 0, 0); fd = libc.syscall(N['openat2'], -100, F['secret'].encode(), h, 24); fd >= 0 and print(os.read(fd, 100))"),
    Snippet("copy", "shutil.copy(F['secret'], 'copy'); print(open('copy').read())"),
    Snippet("rename in", "os.rename(F['secret'], 'mine'); print(open('mine').read())"),
    Snippet("exec cat", "print(subprocess.run(['/bin/cat', F['secret']], capture_output=True).stdout)"),
    Snippet("child python", "print(subprocess.run([sys.executable, '-c', f\"print(open({F['secret']!r}).read())\"], capture_output=True).stdout)"),
    Snippet("environment of the notebook", "print(open(f\"/proc/{F['notebook']}/environ\").read())"),
    Snippet("environment of the parent", "print(open(f'/proc/{os.getppid()}/environ').read())"),
    Snippet("own environment", "print(os.environ, open('/proc/self/environ').read())"),
    Snippet("command lines", "text = ''.join(open(p).read() for p in glob.glob('/proc/[0-9]*/cmdline')); F['mark'] in text and reached('command lines')"),
    Snippet("memory of the notebook", "open(f\"/proc/{F['notebook']}/mem\", 'rb'); reached('memory')"),
    Snippet("maps of the parent", "reached(open(f'/proc/{os.getppid()}/maps').readline())"),
    Snippet("root of the notebook", "print(open(f\"/proc/{F['notebook']}/root{F['secret']}\").read())"),
    Snippet("working folder of the notebook", "reached(os.listdir(f\"/proc/{F['notebook']}/cwd\"))"),
    Snippet("descriptors of the notebook", "reached(os.listdir(f\"/proc/{F['notebook']}/fd\"))"),
    Snippet("network tables", "'%04X' % F['tcp'] in open('/proc/net/tcp').read() and reached('port')"),
    Snippet("network tables by self", "'%04X' % F['tcp'] in open('/proc/self/net/tcp').read() and reached('port')"),
    Snippet("mounts", "len(open('/proc/self/mountinfo').readlines()) == F['mounts'] and reached('mounts')"),
    Snippet("kernel log", "n = libc.syscall(N['syslog'], 3, ctypes.create_string_buffer(1000), 1000); n > 0 and reached('kernel log')"),
    Snippet("extended attributes", "reached(os.listxattr(F['readable']))"),
    Snippet("inotify", "fd = libc.inotify_init(); n = libc.inotify_add_watch(fd, F['folder'].encode(), 0xfff); fd >= 0 and n >= 0 and reached('watch')"),
    Snippet("fanotify", "n = libc.syscall(N['fanotify_init'], 0, 0); n >= 0 and reached('fanotify')"),
    Snippet("open descriptors", """
for fd in range(3, 1024):
    try:
        print(os.pread(fd, 4096, 0))
    except OSError:
        pass
"""),
    Snippet("process_vm_readv", "n = libc.process_vm_readv(F['notebook'], None, 0, None, 0, 0); n >= 0 and reached('memory')"),
    Snippet("device files", "sees('/dev')"),
    Snippet("block device", "open('/dev/vda', 'rb'); reached('block device')"),
    Snippet("kernel memory", "open('/dev/mem', 'rb'); reached('memory')"),
    Snippet("terminal", "open('/dev/tty', 'rb'); reached('terminal')"),
    Snippet("file system settings", "reached(open('/proc/sys/fs/file-nr').read()) if os.access('/proc/sys/fs/file-nr', os.W_OK) else None"),
    Snippet("shared memory", "reached(os.listdir('/dev/shm'))"),
    Snippet("jupyter connection files", "reached(glob.glob(F['home'] + '/.local/share/jupyter/runtime/*')[0])"),
)

writing = group(
    "writing",
    "a file, mode, time or attribute outside the run folder changes",
    Snippet("overwrite", "open(F['secret'], 'w').write('x')"),
    Snippet("append", "open(F['secret'], 'a').write('x')"),
    Snippet("create beside", "open(F['folder'] + '/new', 'w')"),
    Snippet("create in /tmp", "open('/tmp/' + F['mark'], 'w')"),
    Snippet("create in /dev/shm", "open('/dev/shm/' + F['mark'], 'w')"),
    Snippet("truncate", "os.truncate(F['secret'], 0)"),
    Snippet("unlink", "os.unlink(F['secret'])"),
    Snippet("rename over", "open('x', 'w').write('x'); os.rename('x', F['secret'])"),
    Snippet("rename away", "os.rename(F['secret'], F['folder'] + '/moved')"),
    Snippet("exchange", "open('x', 'w'); n = libc.syscall(N['renameat2'], -100, b'x', -100, F['secret'].encode(), 2)"),
    Snippet("link out", "open('x', 'w'); os.link('x', F['folder'] + '/linked')"),
    Snippet("symlink out", "os.symlink('/etc', F['folder'] + '/linked')"),
    Snippet("mkdir", "os.mkdir(F['folder'] + '/new')"),
    Snippet("rmdir", "shutil.rmtree(F['folder'])"),
    Snippet("fifo", "os.mkfifo(F['folder'] + '/new')"),
    Snippet("chmod", "os.chmod(F['secret'], 0o777)"),
    Snippet("chmod folder", "os.chmod(F['folder'], 0o777)"),
    Snippet("fchmodat2", "libc.syscall(N['fchmodat2'], -100, F['secret'].encode(), 0o777, 0)"),
    Snippet("chown", "os.chown(F['secret'], 1234, 1234)"),
    Snippet("utime", "os.utime(F['secret'], (1, 1))"),
    Snippet("setxattr", "os.setxattr(F['secret'], 'user.x', b'y')"),
    Snippet("flock", "fd = os.open(F['secret'], os.O_RDONLY); fcntl.flock(fd, fcntl.LOCK_EX); reached('lock')"),
    Snippet("write by link", "os.symlink(F['secret'], 'link'); open('link', 'w').write('x')"),
    Snippet("write by descriptor of path", "fd = os.open(F['secret'], os.O_PATH); open(f'/proc/self/fd/{fd}', 'w').write('x')"),
    Snippet("site-packages", "p = os.path.join(os.path.dirname(os.__file__), F['mark'] + '.py'); open(p, 'w'); reached('library folder'); os.unlink(p)"),
    Snippet("mknod", "os.mknod('device', 0o600 | stat.S_IFBLK, os.makedev(254, 0)); open('device', 'rb'); reached('device')"),
    Snippet("child writes", "subprocess.run([sys.executable, '-c', f\"open({F['secret']!r}, 'w')\"])"),
    Snippet("system setting", "open('/proc/sys/kernel/hostname', 'w'); reached('system setting')"),
    Snippet("home folder", "open(os.path.join(F['home'], F['mark']), 'w')"),
    Snippet("start-up file", "p = os.path.join(F['home'], '.ipython', F['mark']); os.makedirs(p); reached('start-up file'); os.rmdir(p)"),
    Snippet("folder of run folders", "open(os.path.join(os.getcwd(), '..', '..', F['mark']), 'w')"),
    Snippet("next run's folder", "p = os.path.join(os.getcwd(), '..', '..', 'run-99999'); os.mkdir(p); reached('folder of a later run'); os.rmdir(p)"),
    Snippet("font cache", "p = os.path.join(F['home'], '.cache', 'azml_magic', 'matplotlib', F['mark']); open(p, 'w'); reached('font cache'); os.unlink(p)"),
    Snippet("compiled library", "import json; p = os.path.dirname(json.__cached__) + '/' + F['mark']; open(p, 'w'); reached('compiled library'); os.unlink(p)"),
    Snippet("tmpfile", "fd = os.open(F['folder'], os.O_TMPFILE | os.O_RDWR); reached('file without a name')"),
    Snippet("copy_file_range", "open('x', 'w').write('x'); a = os.open('x', 0); b = os.open(F['secret'], os.O_WRONLY); os.copy_file_range(a, b, 1)"),
    Snippet("mapped write", "fd = os.open(F['secret'], os.O_RDWR); mmap.mmap(fd, 4)[0] = 0"),
    Snippet("fallocate", "os.posix_fallocate(os.open(F['secret'], os.O_WRONLY), 0, 1 << 20)"),
    Snippet("bind mount", "call(N['mount'], b'/', b'x', None, 4096, None); reached('mount')"),
    Snippet("oom score of the victim", "open(f\"/proc/{F['victim']}/oom_score_adj\", 'w').write('1000')"),
    Snippet("splice", "r, w = os.pipe(); os.write(w, b'x'); fd = os.open(F['secret'], os.O_WRONLY); os.splice(r, fd, 1)"),
    Snippet("swap", "n = libc.swapon(b'x', 0); n == 0 and reached('swap')"),
    Snippet("quota", "n = libc.quotactl(0, None, 0, None); n == 0 and reached('quota')"),
)
metadata = group(
    "metadata",
    "what a stranger's file is called, or that it is there, is told",
    Snippet("stat", "reached(os.stat(F['secret']).st_size)", documented="stat"),
    Snippet("lstat", "reached(os.lstat(F['secret']).st_size)", documented="stat"),
    Snippet("stat of the folder", "reached(os.stat(F['folder']).st_mtime)", documented="stat"),
    Snippet("statx", "call(N['statx'], -100, F['secret'].encode(), 0, 0x7ff, buffer); reached('statx')", documented="stat"),
    Snippet("access", "os.access(F['secret'], os.F_OK) and reached('access')", documented="stat"),
    Snippet("open by path only", "os.fstat(os.open(F['secret'], os.O_PATH)); reached('path')", documented="stat"),
    Snippet("change folder", "os.chdir(F['folder']); reached(os.getcwd())", documented="stat"),
    Snippet("error of a missing file", """
def error_of(path):
    try:
        open(path)
    except OSError as error:
        return error.errno
error_of(F['secret']) != error_of(F['folder'] + '/missing') and reached('the difference')
""", documented="stat"),
    Snippet("link to a program of another", "reached(os.readlink(f\"/proc/{F['victim']}/exe\"))"),
    Snippet("user list", "import pwd; reached([p for p in pwd.getpwall() if p.pw_uid >= 1000][0])"),
    Snippet("machine id", "reached(open('/etc/machine-id').read())"),
    Snippet("statfs of the folder", "os.statvfs(F['folder']); reached('statfs')", documented="stat"),
)
snippets = reading + writing + metadata
