"""A cell that does not fit into memory is one line before anything is allocated."""

import os
import tracemalloc

import pytest

from backprop import InputError
from bench.cells import capacity, control_groups, grids
from bench.cells.cell import Cell, make_cell

MOUNTS = """31 23 0:28 / /groups rw,nosuid - cgroup2 cgroup2 rw
33 31 0:31 / /groups/memory rw - cgroup cgroup rw,memory
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder that stands for the system's top, with 8 GB available and no control group."""
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    write(tmp_path / "proc" / "self" / "mountinfo", MOUNTS)
    write(tmp_path / "proc" / "meminfo", "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n")
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_system_tells_what_is_available(machine):
    assert capacity.available() == 8_000_000 * 1024


def test_where_nobody_tells_nothing_is_refused(machine, monkeypatch):
    (machine / "proc" / "meminfo").unlink()
    monkeypatch.delattr(os, "sysconf")
    assert capacity.available() is None
    capacity.refuse_too_large(Cell((784, 30, 10), 10**12))


@pytest.mark.parametrize(
    ("line", "folder", "files"),
    [
        ("0::/a/b", "a/b", {"memory.max": "3000", "memory.current": "1500", "memory.stat": "inactive_file 500"}),
        ("0::/a/b", "a", {"memory.max": "3000", "memory.current": "1000", "memory.stat": "anon 1"}),  # a parent's
        (
            "4:cpu:/\n5:memory:/job",
            "memory/job",
            {
                "memory.limit_in_bytes": "3000",
                "memory.usage_in_bytes": "2000",
                "memory.stat": "inactive_file 7\ntotal_inactive_file 1000",
            },
        ),
    ],
    ids=["second version", "a parent's", "first version"],
)
def test_a_control_groups_limit_counts_less_what_is_used_and_cannot_be_given_back(machine, line, folder, files):
    write(machine / "proc" / "self" / "cgroup", f"{line}\n")
    for name, text in files.items():
        write(machine / "groups" / folder / name, f"{text}\n")
    assert capacity.available() == 2000


def test_a_group_without_a_limit_is_none(machine):
    write(machine / "proc" / "self" / "cgroup", "0::/a\n")
    for name, text in {"memory.max": "max", "memory.current": "5", "memory.stat": "anon 1"}.items():
        write(machine / "groups" / "a" / name, text)
    assert capacity.available() == 8_000_000 * 1024


@pytest.mark.parametrize(
    ("sizes", "batch", "message"),
    [
        ("784-30-10", 10**9, r"784-30-10-b1000000000-float64-t1 takes about 52,736.0 GB of memory, and 8.1 GB are"),
        ("784-3000000-10", 1, r"784-3000000-10-b1-float64-t1 takes about .* name smaller sizes or a smaller batch"),
        ("8-4-2", 10**400, r"of memory, and 8.1 GB are available here"),
    ],
)
def test_what_is_too_large_is_told_with_its_size_before_anything_is_allocated(machine, sizes, batch, message):
    tracemalloc.start()
    with pytest.raises(InputError, match=message):
        make_cell(sizes, batch, "float64", 1)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_a_grid_with_one_such_cell_is_refused_by_its_name(machine, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('sizes = ["8-4-2", "20000-20000-2"]\nbatch = [1]\n')
    with pytest.raises(InputError, match="20000-20000-2-b1-float64-t1 takes about"):
        grids.cells_of(str(path))


def test_another_machine_may_be_larger(machine):
    assert make_cell("784-30-10", 10**9, "float64", 1, here=False).batch == 10**9


def test_the_cells_of_the_named_grids_fit(machine):
    assert all(grids.cells_of(name) for name in grids.NAMED)


def test_the_least_time_grows_with_the_operations_and_is_nothing_where_it_is_short():
    assert capacity.least_seconds(10**8, "float64") == 0
    assert capacity.least_seconds(10**20, "float32") > 1000
