"""What ordinary modules do keeps working in the sandbox."""

import asyncio
import concurrent.futures
import contextlib
import gc
import locale
import mmap
import multiprocessing
import multiprocessing.heap
import multiprocessing.pool
import os
import random
import shutil
import socket
import sqlite3
import ssl
import tarfile
import tempfile
import threading
import time
import uuid
import zipfile
import zoneinfo
from importlib import import_module
from pathlib import Path

import pytest

from azml_magic.sandbox import locks

# Loaded before an interpreter may be out of reach.
import_module("_posixshmem")


def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return sum(pool.map(lambda number: number * 2, range(100)))


def forked_process():
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=sending.send, args=(42,))
    process.start()
    value = receiving.recv()
    process.join()
    return value


def temporary_files():
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
        file.write(b"x")
        Path(folder, "y").touch()
        return os.listdir(folder)


def database():
    connection = sqlite3.connect("base.db")
    connection.execute("pragma journal_mode=wal")
    connection.execute("create table t (a integer)")
    connection.executemany("insert into t values (?)", [(1,), (2,)])
    connection.commit()
    value = connection.execute("select sum(a) from t").fetchone()[0]
    connection.close()
    return value


def copies():
    Path("a.txt").write_text("a")
    Path("touched").touch()
    shutil.copy2("a.txt", "b.txt")
    shutil.copystat("a.txt", "b.txt")
    os.makedirs("d")
    shutil.copytree("d", "e")
    shutil.make_archive("archive", "gztar", ".", "d")
    with tarfile.open("archive.tar.gz") as archive:
        archive.extractall("out")
    with zipfile.ZipFile("z.zip", "w") as archive:
        archive.write("a.txt")
    shutil.move("z.zip", "d/z.zip")
    return sorted(os.listdir("."))


def event_loop():
    async def main():
        gathered = await asyncio.gather(*(asyncio.sleep(0.001, number) for number in range(5)))
        return sum(gathered) + await asyncio.to_thread(lambda: 1)

    return asyncio.run(main())


def mapped_memory():
    with open("mapped", "w+b") as file:
        file.truncate(8192)
        with mmap.mmap(file.fileno(), 8192) as memory:
            memory[:4] = b"abcd"
            memory.flush()
        return file.read(4).decode()


def certificates():
    return ssl.create_default_context().verify_mode.name


def queries():
    return [
        len(os.sched_getaffinity(0)) > 0,
        (os.cpu_count() or 0) > 0,
        len(os.urandom(8)),
        len(os.getrandom(4)),
        uuid.uuid4().version,
        isinstance(random.SystemRandom().random(), float),
        socket.gethostname() != "",
        os.getloadavg()[0] >= 0,
        time.sleep(0.001),
        gc.collect() >= 0,
        os.isatty(0),
        "MemTotal" in Path("/proc/meminfo").read_text(),
        "Threads" in Path("/proc/self/status").read_text(),
    ]


def time_zones():
    zone = zoneinfo.ZoneInfo("Europe/Zurich")
    return zone.key


def locales():
    return locale.setlocale(locale.LC_ALL, "C.UTF-8")


def local_threads():
    lock = threading.Lock()
    found = []

    def work(number):
        with lock:
            found.append(number)

    made = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in made:
        thread.start()
    for thread in made:
        thread.join()
    return len(found)


PROGRAMS = {
    threads: 9900,
    forked_process: 42,
    temporary_files: ["y"],
    database: 3,
    copies: ["a.txt", "archive.tar.gz", "b.txt", "d", "e", "out", "touched"],
    event_loop: 11,
    mapped_memory: "abcd",
    certificates: "CERT_REQUIRED",
    queries: [True, True, 8, 4, 4, True, True, True, None, True, False, True, True],
    time_zones: "Europe/Zurich",
    locales: "C.UTF-8",
    local_threads: 20,
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_it_works(sandbox, program, tmp_path):
    if program is time_zones and not os.path.exists("/usr/share/zoneinfo"):
        pytest.skip("no time zones here")
    if sandbox.user is not None:
        # The interpreter may lie below a closed home, so what is imported late is loaded now.
        with contextlib.chdir(tmp_path):
            program()
    outcome = sandbox.run(program)
    assert outcome.error == "", outcome.text
    assert outcome.value == PROGRAMS[program]


def pool_of_processes():
    with multiprocessing.Pool(2) as pool:
        return pool.map(abs, range(-3, 3))


def pool_of_threads():
    with multiprocessing.pool.ThreadPool(2) as pool:
        return pool.map(abs, range(-3, 3))


def executor_of_processes():
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        return list(pool.map(abs, range(-3, 3)))


def queue_and_locks():
    queue, event = multiprocessing.Queue(), multiprocessing.Event()
    condition, lock = multiprocessing.Condition(), multiprocessing.RLock()
    few = multiprocessing.BoundedSemaphore(2)

    def work():
        event.wait(60)
        with condition:
            condition.notify_all()
        with lock, lock, few:
            queue.put("done")

    process = multiprocessing.Process(target=work)
    process.start()
    with condition:
        event.set()
        notified = condition.wait(60)
    found = queue.get(timeout=60), notified, lock.acquire(timeout=60), few.get_value()
    process.join()
    with pytest.raises(ValueError, match="too many"):
        few.release()
    return found, queue.empty(), few.acquire() and few.acquire() and few.acquire(timeout=0.01)


SHARED = {
    pool_of_processes: [3, 2, 1, 0, 1, 2],
    pool_of_threads: [3, 2, 1, 0, 1, 2],
    executor_of_processes: [3, 2, 1, 0, 1, 2],
    queue_and_locks: [["done", True, True, 2], True, False],
}


@pytest.mark.parametrize("program", SHARED, ids=lambda program: program.__name__)
def test_multiprocessing_works_without_shared_memory(sandbox, program, tmp_path):
    if sandbox.user is not None:
        with contextlib.chdir(tmp_path):
            program()

    def work():
        locks.install()
        return program()

    outcome = sandbox.run(work)
    assert outcome.error == "", outcome.text
    assert outcome.value == SHARED[program]
