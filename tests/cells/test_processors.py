"""The time that a control group gives, from trees as Linux has them."""

import msgspec
import pytest
from examples import ENVIRONMENT, make_record
from stand_ins import made, race_here

from backprop import InputError, load
from bench.cells import control_groups, processors
from bench.cells.cell import Cell, make_cell
from bench.records import store
from bench.records.environment import UNTRACKED, doubts
from bench.sweep import cluster
from bench.timing import machine

V1 = "5:cpu,cpuacct:{group}\n4:memory:/elsewhere\n0::/\n"
V2 = "0::{group}\n"
MOUNTS = {
    V1: "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "33 31 0:31 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
    "32 31 0:29 {top} /sys/fs/cgroup/the\\040cpu rw,relatime shared:8 - cgroup cgroup rw,cpu,cpuacct\n",
    V2: "31 23 0:28 {top} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
}


@pytest.fixture(params=[V1, V2], ids=["version 1", "version 2"])
def lay(request, tmp_path, monkeypatch):
    """Lay a tree: the process's group, what the mount shows as its top, and quotas and stops by folder in it."""
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)

    def write(group, top="/", quotas=(), stops=()):
        proc = tmp_path / "proc" / "self"
        proc.mkdir(parents=True, exist_ok=True)
        (proc / "cgroup").write_text(request.param.format(group=group))
        (proc / "mountinfo").write_text(MOUNTS[request.param].format(top=top))
        mount = tmp_path / "sys/fs/cgroup" / ("the cpu" if request.param is V1 else "")
        for inside, given in dict(quotas).items():
            (mount / inside).mkdir(parents=True, exist_ok=True)
            if request.param is V1:
                (mount / inside / "cpu.cfs_quota_us").write_text(f"{-1 if given is None else round(given * 100000)}\n")
                (mount / inside / "cpu.cfs_period_us").write_text("100000\n")
            else:
                limit = "max" if given is None else round(given * 100000)
                (mount / inside / "cpu.max").write_text(f"{limit} 100000\n")
        for inside, times in dict(stops).items():
            (mount / inside / "cpu.stat").write_text(f"nr_periods 99\nnr_throttled {times}\nthrottled_time 5\n")

    return write


@pytest.mark.parametrize(
    ("group", "top", "quotas", "given"),
    [
        ("/half", "/", {"half": 0.5}, 0.5),
        ("/", "/", {"": None}, None),
        ("/a/b", "/", {"": None, "a": 1.5, "a/b": None}, 1.5),  # a parent's
        ("/a/b", "/", {"a": 1.5, "a/b": 4}, 1.5),
        ("/a/b", "/", {"a": None, "a/b": 2}, 2),
        ("/docker/cafe", "/docker/cafe", {"": 0.5}, 0.5),  # a container that sees its own group only
        ("/docker/cafe/job", "/docker/cafe", {"": 3, "job": 1}, 1),
        ("/../other", "/", {"": 0.25}, 0.25),  # a group outside of what is mounted
        ("/x", "/docker/cafe", {"": 0.25}, 0.25),
        ("/gone", "/", {}, None),
    ],
)
def test_the_least_of_the_groups_own_quota_and_those_above_it(lay, group, top, quotas, given):
    lay(group, top, quotas)
    assert processors.cpus() == given


def test_no_control_groups_no_quota(tmp_path, monkeypatch):
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    assert (processors.cpus(), processors.throttled(), machine.watch()()) == (None, 0, None)


def test_stops_are_counted_while_something_is_watched(lay):
    lay("/a/b", quotas={"a": 0.5, "a/b": None}, stops={"a": 7, "a/b": 0})
    throttled = machine.watch()
    lay("/a/b", stops={"a": 44, "a/b": 0})
    assert throttled() == 37


def test_more_threads_than_the_quota_gives_are_refused_in_every_command(lay, call, monkeypatch, tmp_path):
    monkeypatch.setattr("bench.cells.cell.cores", lambda: 8)
    lay("/half", quotas={"half": 0.5})
    (tmp_path / "grid.toml").write_text('sizes = ["8-4-2"]\nbatch = [1]\nthreads = [1, 2]\n')
    of_grid = ("--grid", tmp_path / "grid.toml", "--engines", "full_matrix")
    for command in (
        ("race", "full_matrix", "--threads", 2),
        ("train", "--data", "digits", "--threads", 2),
        ("sweep", *of_grid, "--out", tmp_path / "out"),
        ("gate", "--against", "HEAD", *of_grid),
    ):
        status, out, err = call(*command)
        assert (status, out) == (2, "")
        assert err == ("backprop-bench: threads must be at most 1, not 2: this process has the time of 0.5 CPU\n"), (
            command
        )
    lay("/half", quotas={"half": 2.5})
    assert make_cell("8-2", 1, "float64", 2).threads == 2
    with pytest.raises(InputError, match=r"at most 2, not 3: this process has the time of 2\.5 CPUs"):
        make_cell("8-2", 1, "float64", 3)
    assert make_cell("8-2", 1, "float64", 3, here=False).threads == 3


def test_a_worker_without_the_time_for_a_cell_is_told():
    software = machine.software()
    cell = Cell((8, 2), 1, threads=2)
    assert cluster.unfit(software, software, cell, 4, None) is None
    assert cluster.unfit(software, software, cell, 4, 2.0) is None
    told = cluster.unfit(software, software, cell, 4, 1.5)
    assert told == "has the time of 1.5 CPUs, too little for 8-2-b1-float64-t2: name fewer threads"


def test_half_a_cpu_is_in_the_record_and_a_warning(lay, call, monkeypatch, tmp_path):
    lay("/half", quotas={"half": 0.5})
    record = race_here(Cell((4, 3, 2), 2), [made("a", load("full_matrix"))], seconds=0.05)
    assert (record.environment.quota, record.environment.throttled) == (0.5, 0)
    assert "cores, the time of 0.5 CPU" in record.environment.machine
    status, _, err = call("train", "--data", "digits", "--epochs", 1)
    assert (status, err) == (0, "backprop-bench: warning: the process has the time of 0.5 CPU\n")
    monkeypatch.setattr("bench.timing.race.race", lambda *_, **__: record)
    monkeypatch.setattr("bench.sweep.run.race", lambda *_, **__: record)
    (tmp_path / "grid.toml").write_text('sizes = ["4-3-2"]\nbatch = [2]\n')
    sweep = ("sweep", "--grid", tmp_path / "grid.toml", "--engines", "full_matrix", "--out", tmp_path / "out")
    for command in (("race", "full_matrix", "--sizes", "4-3-2"), sweep):
        status, _, err = call(*command)
        assert (status, err) == (0, "backprop-bench: warning: the process has the time of 0.5 CPU\n")


def environment(**fields):
    return msgspec.structs.replace(ENVIRONMENT, **fields)


def test_what_may_have_disturbed_the_timings_is_a_line_for_each_kind():
    half, fine = environment(quota=0.5, throttled=37), environment(quota=4.0, throttled=0)
    assert list(doubts([fine, ENVIRONMENT])) == []
    (one,) = doubts([half])
    assert one.startswith("throttled 37 times: the process has the time of 0.5 CPU")
    (one,) = doubts([half, half, fine])
    assert one.startswith("throttled 74 times, in 2 of 3 races: ")
    refused = "the repository /x belongs to another user"
    (one,) = doubts([environment(revision=None, revision_unknown=refused)])
    assert one == f"the revision of the code is not in the record: {refused}"
    assert list(doubts([environment(revision=None, revision_unknown=UNTRACKED)])) == []
    (one,) = doubts([environment(cores_shared=True), fine])
    assert one.startswith("another race ran on the same cores, in 1 of 2 races")


@pytest.mark.usefixtures("undrawn")
def test_a_folder_with_throttled_races_says_so(call, tmp_path):
    record = msgspec.structs.replace(
        make_record(), environment=environment(quota=0.5, throttled=3, paused=["coverage.CTracer"])
    )
    store.append(tmp_path, record)
    status, out, _ = call("report", tmp_path)
    assert status == 0
    assert "warning: throttled 3 times: the process has the time of 0.5 CPU" in " ".join(out.split())
    page = (tmp_path / "report.md").read_text()
    for told in (
        "Throttled 3 times: the process has",
        "control group | gives the time of 0.5 CPU",
        "coverage.CTracer |",
    ):
        assert told in page
