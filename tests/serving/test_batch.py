"""Batch jobs over a real folder, also across a restart of the server."""

import fcntl
import os
import shutil
import sqlite3

import pandas as pd
import pytest
from support.waiting import until as wait_until

from azml_magic import ServiceSettings, serve
from azml_magic.sandbox import measure
from serving.served import Client, fault

MODULE = """
import time

def azureml_main(frame):
    if frame["a"].iloc[0] < 0:
        raise ValueError("a is negative")
    time.sleep(float(frame["a"].iloc[0]))
    frame["double"] = frame["a"] * 2
    return frame,
"""


class Jobs(Client):
    """The batch side of a service."""

    def create(self, source, target):
        places = {
            "Input": {"ConnectionString": None, "RelativeLocation": source},
            "Outputs": {"output1": {"RelativeLocation": target}},
        }
        return self.post(f"{self.base}/jobs?api-version=2.0", places)

    def start(self, job):
        return self.post(f"{self.base}/jobs/{job}/start?api-version=2.0", b"")

    def status(self, job):
        return self.get(f"{self.base}/jobs/{job}").json()

    def cancel(self, job):
        return self.session.delete(f"{self.service.url}{self.base}/jobs/{job}")

    def wait(self, job, until):
        def look():
            seen.append(self.status(job))
            return until(seen[-1])

        seen = []
        wait_until(look, told=lambda: seen[-1])
        return seen[-1]

    def ended(self, job):
        return self.wait(job, lambda status: status["EndTime"] is not None)


def serving(folder):
    settings = ServiceSettings(port=0, workers=1, timeout=600.0, batch_folder=str(folder))
    return serve(MODULE, pd.DataFrame({"a": [0.0]}), name="doubler", settings=settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("batch")


@pytest.fixture(scope="module")
def jobs(folder):
    with serving(folder) as service:
        yield Jobs(service)


def test_a_file_in_and_a_file_out(jobs, folder):
    pd.DataFrame({"a": [0.0, 1.5]}).to_csv(folder / "in.csv", index=False)
    created = jobs.create("in.csv", "out.parquet")
    assert created.status_code == 200
    job = created.json()
    assert jobs.status(job)["StatusCode"] == "NotStarted"
    assert jobs.start(job).status_code == 204
    assert fault(jobs.start(job))[:2] == (409, "InvalidOperation")
    status = jobs.ended(job)
    assert status["StatusCode"] == "Finished"
    assert status["Results"] == {"output1": {"RelativeLocation": "out.parquet"}}
    assert status["Progress"] == {"Files": 1, "Done": 1, "Rows": 2}
    assert pd.read_parquet(folder / "out.parquet")["double"].tolist() == [0.0, 3.0]


def test_a_failing_module_fails_the_job(jobs, folder):
    (folder / "some").mkdir()
    for name, value in (("1.csv", 0.0), ("2.csv", -1.0), ("3.csv", 0.0)):
        pd.DataFrame({"a": [value]}).to_csv(folder / "some" / name, index=False)
    job = jobs.create("some", "failed").json()
    jobs.start(job)
    status = jobs.ended(job)
    assert status["StatusCode"] == "Failed"
    assert status["Details"].startswith("2.csv: Error 0085: ")
    assert "ValueError: a is negative" in status["Details"]
    assert status["Progress"]["Done"] == 1
    assert [path.name for path in (folder / "failed").iterdir()] == ["1.csv"]


def test_a_running_job_is_cancelled(jobs, folder):
    pd.DataFrame({"a": [600.0]}).to_csv(folder / "long.csv", index=False)
    job = jobs.create("long.csv", "never.csv").json()
    jobs.start(job)
    jobs.wait(job, lambda status: status["StatusCode"] == "Running")
    assert jobs.cancel(job).status_code == 204
    assert jobs.status(job)["StatusCode"] == "Cancelled"
    assert jobs.cancel(job).status_code == 204
    # The next job does not wait for it.
    job = jobs.create("in.csv", "after.csv").json()
    jobs.start(job)
    assert jobs.ended(job)["StatusCode"] == "Finished"
    assert not (folder / "never.csv").exists()


BAD = {
    "../in.csv": "x.csv",
    "/etc/passwd": "x.csv",
    "nothing.csv": "x.csv",
    "in.csv": "../out.csv",
    "": "x.csv",
    ".": "x",
    ".azml-jobs.sqlite": "x.csv",
    "link.csv": "x.csv",
    "in.txt": "x.csv",
    "circle.csv": "x.csv",
    "a" * 300 + ".csv": "x.csv",
    "./in.csv": "a" * 300,
    ".//in.csv": "a" * 300 + ".csv",
    "some/../in.csv": "ü" * 200,
    "a\ud800.csv": "x.csv",
    "in\0.csv": "x.csv",
}


@pytest.mark.parametrize(("source", "target"), BAD.items())
def test_places_outside_and_of_other_kinds_are_refused(jobs, folder, source, target):
    if not (folder / "link.csv").is_symlink():
        (folder / "link.csv").symlink_to("/etc/passwd")
        (folder / "circle.csv").symlink_to("circle.csv")
    (folder / "in.txt").write_text("a\n1\n")
    status, code, _ = fault(jobs.create(source, target))
    assert (status, code) in {(400, "BadArgument"), (400, "BadUserArgument")}


def test_an_unknown_job(jobs):
    assert fault(jobs.get(f"{jobs.base}/jobs/none")) == (404, "NotFound", "ResourceNotFound")


def test_a_restart_goes_on_where_it_was(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(4):
        frame = pd.DataFrame({"a": [0.6, float(number)]})
        frame.to_csv(tmp_path / "in" / f"{number}.csv", index=False)
    with serving(tmp_path) as service:
        jobs = Jobs(service)
        job = jobs.create("in", "out").json()
        jobs.start(job)
        jobs.wait(job, lambda status: status["Progress"]["Done"] >= 1)
        first = sorted(path.name for path in (tmp_path / "out").iterdir())
        times = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in first[:1]}
    with serving(tmp_path) as service:
        jobs = Jobs(service)
        assert jobs.ended(job)["StatusCode"] == "Finished"
    for number in range(4):
        assert pd.read_csv(tmp_path / "out" / f"{number}.csv")["double"].tolist()[1] == 2 * number
    for name, changed in times.items():
        assert (tmp_path / "out" / name).stat().st_mtime_ns == changed


def finished(jobs, source="in.csv", target="again.csv"):
    job = jobs.create(source, target).json()
    jobs.start(job)
    return jobs.ended(job)["StatusCode"] == "Finished"


def put(folder, value=0.0):
    folder.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"a": [value]}).to_csv(folder, index=False)


def file_where_a_folder_should_be(folder, outside):
    put(folder / "source.csv")
    yield
    (folder / "goal").write_text("in the way")
    yield "has a link, or a file"


def folder_where_a_file_should_be(folder, outside):
    put(folder / "source.csv")
    yield
    (folder / "goal" / "out.csv").mkdir(parents=True)
    yield "Is a directory"


def closed_folder(folder, outside):
    put(folder / "source.csv")
    yield
    (folder / "goal").symlink_to("/proc/self")
    yield "has a link, or a file"


def source_that_has_gone(folder, outside):
    put(folder / "source.csv")
    yield
    (folder / "source.csv").unlink()
    yield "No such file"


def source_that_became_a_link(folder, outside):
    put(folder / "source.csv")
    yield
    (folder / "source.csv").unlink()
    put(outside / "secret.csv", 5.0)
    (folder / "source.csv").symlink_to(outside / "secret.csv")
    yield "has a link, or a file"


def folder_of_the_source_that_became_a_link(folder, outside):
    yield
    shutil.rmtree(folder)
    put(outside / "source.csv", 5.0)
    folder.symlink_to(outside)
    yield "has a link, or a file"


def folder_of_the_output_that_became_a_link(folder, outside):
    put(folder / "source.csv")
    (folder / "goal").mkdir()
    yield
    (folder / "goal").rmdir()
    (folder / "goal").symlink_to(outside)
    yield "has a link, or a file"


def source_that_became_a_pipe(folder, outside):
    put(folder / "source.csv")
    yield
    (folder / "source.csv").unlink()
    os.mkfifo(folder / "source.csv")
    yield "not a regular file"


def source_that_is_no_table(folder, outside):
    (folder / "source.csv").write_text("")
    yield
    yield "cannot be read"


CHANGES = (
    file_where_a_folder_should_be,
    folder_where_a_file_should_be,
    closed_folder,
    source_that_has_gone,
    source_that_became_a_link,
    folder_of_the_source_that_became_a_link,
    folder_of_the_output_that_became_a_link,
    source_that_became_a_pipe,
    source_that_is_no_table,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_changes_after_a_job_was_made_costs_that_job_only(jobs, folder, tmp_path, change):
    put(folder / "in.csv")
    own, outside = folder / change.__name__, tmp_path / "outside"
    # Of an attempt before this one; a pipe in it would be waited for.
    shutil.rmtree(own, ignore_errors=True)
    put(own / "source.csv")
    outside.mkdir()
    steps = change(own, outside)
    next(steps)
    place = change.__name__
    job = jobs.create(f"{place}/source.csv", f"{place}/goal/out.csv").json()
    before = {path: path.read_bytes() for path in outside.iterdir()}
    expected = next(steps)
    following = jobs.create("in.csv", "again.csv").json()
    for one in (job, following):
        jobs.start(one)
    status = jobs.ended(job)
    assert status["StatusCode"] == "Failed"
    assert expected in status["Details"]
    assert jobs.ended(following)["StatusCode"] == "Finished"
    written = {path: path.read_bytes() for path in outside.iterdir()}
    assert {path: text for path, text in written.items() if b"double" in text} == {}
    assert set(written) - set(before) <= {outside / "secret.csv", outside / "source.csv"}
    assert not list(folder.rglob("_partial-*"))


def test_a_job_that_cannot_even_be_read_costs_no_other(tmp_path):
    put(tmp_path / "in.csv")
    with serving(tmp_path) as service:
        jobs = Jobs(service)
        broken = jobs.create("in.csv", "never.csv").json()
        state = sqlite3.connect(tmp_path / ".azml-jobs.sqlite")
        state.execute("UPDATE files SET source = x'ff', target = ''")
        state.commit()
        assert (tmp_path / ".azml-jobs.sqlite").stat().st_mode & 0o777 == 0o600
        jobs.start(broken)
        assert jobs.ended(broken)["StatusCode"] == "Failed"
        assert finished(jobs)


def test_what_a_killed_server_left_half_written_is_deleted(jobs, folder):
    put(folder / "in.csv")
    for name in ("_partial-1234.csv", "_partial-living.csv"):
        (folder / name).write_text("a\n")
    with (folder / "_partial-living.csv").open() as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        assert finished(jobs)
        assert [path.name for path in folder.glob("_partial-*")] == ["_partial-living.csv"]
    assert finished(jobs)
    assert not list(folder.glob("_partial-*"))


def test_two_servers_of_one_folder_do_not_work_on_one_job(tmp_path):
    for name in ("1.csv", "2.csv", "3.csv"):
        put(tmp_path / "in" / name, 0.7)
    put(tmp_path / "in.csv")
    with serving(tmp_path) as first:
        one = Jobs(first)
        job = one.create("in", "out").json()
        one.start(job)
        with serving(tmp_path) as second:
            other = Jobs(second)
            # Either may be asked; the first one works on all.
            more = other.create("in.csv", "out.csv").json()
            other.start(more)
            assert fault(other.start(more))[0] == 409
            assert one.ended(job)["StatusCode"] == "Finished"
            assert other.ended(more)["StatusCode"] == "Finished"
            first.stop()
            assert finished(other)


@pytest.mark.parametrize("location", ["a/" * 300_000, "../" * 1000, "/" * 20_000])
def test_a_long_location_costs_nobody_time(jobs, location):
    server = [jobs.service._process.pid]
    before = measure.cpu_seconds(server)
    assert fault(jobs.create(location, "x.csv"))[0] in {400, 413}
    assert measure.cpu_seconds(server) - before < 1


def test_a_large_body_is_not_read_here(jobs):
    body = b'{"a":[' + b"[]," * 50_000 + b"1]}"
    response = jobs.post(f"{jobs.base}/jobs?api-version=2.0", body)
    assert fault(response) == (413, "BadArgument", "RequestBodyTooLarge")
