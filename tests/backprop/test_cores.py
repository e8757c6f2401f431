"""Which cores a race gets, from trees as Linux has them: whole ones, fast ones, nobody else's."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest
from stand_ins import made, race_here

from backprop import cores, load, threads
from bench.cells.cell import Cell
from bench.timing import machine

LOCKS = pytest.mark.skipif(sys.platform != "linux", reason="processes can't choose their cores here")


@pytest.fixture(autouse=True)
def root(monkeypatch, tmp_path, temporary):
    """A tree without anything in it: each number is a core of its own, and none is faster."""
    monkeypatch.setattr(cores, "ROOT", tmp_path / "sys")
    return tmp_path / "sys"


def lay(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")


def siblings(*groups):
    return {
        f"system/cpu/cpu{number}/topology/thread_siblings_list": group
        for group in groups
        for number in cores._numbers(group)
    }


def speeds(name, *values):
    return {f"system/cpu/cpu{number}/{name}": value for number, value in enumerate(values)}


HYBRID = {**siblings("0-1", "2-3", "4", "5"), "cpu_core/cpus": "0-3", "cpu_atom/cpus": "4-5"}


@pytest.mark.parametrize(
    ("files", "allowed", "count", "chosen"),
    [
        ({}, range(4), 1, [3]),  # the first one serves most of the interrupts
        ({}, range(4), 2, [2, 3]),
        ({}, [5], 1, [5]),
        (siblings("0,4", "1,5", "2,6", "3,7"), range(8), 2, [6, 7]),
        (siblings("0-1", "2-3", "4-5", "6-7"), range(8), 2, [5, 7]),
        (siblings("0-1", "2-3"), range(4), 2, [1, 3]),
        (siblings("0-1", "2-3"), range(4), 3, [1, 2, 3]),  # no third core
        (siblings("0-1", "2-3"), range(4), 4, [0, 1, 2, 3]),
        (siblings("0-1", "2-3"), [0, 2, 3], 2, [0, 3]),
        (siblings("0-1", "2-3"), [2, 3], 1, [3]),
        (HYBRID, range(6), 1, [3]),
        (HYBRID, range(6), 2, [1, 3]),
        (HYBRID, range(6), 3, [1, 3, 5]),
        (HYBRID, [4, 5], 1, [5]),
        (speeds("cpu_capacity", 1024, 1024, 446, 446), range(4), 2, [0, 1]),
        (speeds("cpufreq/cpuinfo_max_freq", 3000000, 5200000, 3000000, 3000000), range(4), 1, [1]),
        (speeds("cpufreq/cpuinfo_max_freq", 3000000, "", "none"), range(3), 1, [0]),
    ],
)
def test_whole_and_fast_cores_first(root, files, allowed, count, chosen):
    lay(root, files)
    with cores.taken(count, allowed) as (numbers, crowded):
        assert (numbers, crowded) == (chosen, False)


ANOTHER = """
import sys
from pathlib import Path
from backprop import cores
cores.ROOT = Path(sys.argv[1])
with cores.taken(int(sys.argv[2]), range(int(sys.argv[3]))) as (numbers, crowded):
    print(*numbers, crowded, flush=True)
    sys.stdin.read()
"""


@LOCKS
def test_a_core_of_another_race_is_left_to_it_until_its_process_is_gone(root):
    lay(root, siblings("0,2", "1,3"))
    command = [sys.executable, "-c", ANOTHER, str(root), "1", "4"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "3 False\n"
        with cores.taken(1, range(4)) as (numbers, crowded):
            assert (numbers, crowded) == ([2], False)  # not 1, which is the other half of core 3
        with cores.taken(2, range(4)) as (numbers, crowded):
            assert (numbers, crowded) == ([2, 3], True)
        with cores.taken(1, [1, 3]) as (numbers, crowded):
            assert (numbers, crowded) == ([3], True)
        other.kill()
    with cores.taken(1, range(4)) as (numbers, crowded):
        assert (numbers, crowded) == ([3], False)


@LOCKS
def test_a_choice_within_a_choice_is_no_other_race_and_all_is_given_back():
    with cores.taken(1, range(2)) as outer:
        with cores.taken(1, outer[0]) as inner:
            assert inner == outer == ([1], False)
        assert cores._held == {1}
    assert cores._held == set()
    with pytest.raises(KeyError), cores.taken(2, range(2)):
        raise KeyError
    assert cores._held == set()


@LOCKS
@pytest.mark.parametrize("kind", ["open to all", "a link", "a file", "another user's"])
def test_a_folder_that_is_not_this_users_alone_is_not_used(kind, temporary, tmp_path, monkeypatch):
    folder = temporary / f"backprop-bench-cores-{os.getuid()}"
    (tmp_path / "target").mkdir(mode=0o700)
    if kind == "a link":
        folder.symlink_to(tmp_path / "target")
    elif kind == "a file":
        folder.touch()
    else:
        folder.mkdir()
        folder.chmod(0o777 if kind == "open to all" else 0o700)
    if kind == "another user's":
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        folder.rename(temporary / "backprop-bench-cores-12345")
    with cores.taken(1, range(2)) as (numbers, crowded):
        assert (numbers, crowded) == ([1], False)
    assert not list(temporary.glob("*/*"))
    assert not list((tmp_path / "target").iterdir())


@LOCKS
def test_the_folder_of_locks_is_this_users_alone_and_a_link_in_it_is_not_followed(temporary, tmp_path):
    with cores.taken(1, range(2)):
        (folder,) = temporary.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [path.name for path in folder.iterdir()] == ["core-1"]
    (folder / "core-0").symlink_to(tmp_path / "elsewhere")
    with cores.taken(2, range(2)) as (numbers, crowded):
        assert (numbers, crowded) == ([0, 1], False)
    assert not (tmp_path / "elsewhere").exists()


def cache(core, index, level, kind, size):
    folder = f"system/cpu/cpu{core}/cache/index{index}"
    return {f"{folder}/level": level, f"{folder}/type": kind, f"{folder}/size": size}


@pytest.mark.parametrize(
    ("files", "size"),
    [
        (cache(1, 2, 2, "Unified", "2048K"), 2048 * 1024),
        (cache(1, 1, 2, "Unified", "1M") | cache(1, 2, 3, "Unified", "32M"), 1 << 20),
        (cache(1, 0, 1, "Data", "48K") | cache(1, 3, 2, "Data", "512K"), 512 * 1024),
        (cache(1, 2, 2, "Instruction", "64K"), None),
        (cache(0, 2, 2, "Unified", "2048K"), None),  # another core's
        (cache(1, 2, 2, "Unified", "much"), None),
        (cache(1, 2, 2, "Unified", ""), None),
        ({}, None),
    ],
)
def test_the_second_level_cache_is_that_of_the_core(root, files, size):
    lay(root, files)
    assert cores.l2_bytes(1) == size


def test_the_last_cache_is_the_largest_that_holds_data(root):
    lay(root, cache(1, 1, 1, "Instruction", "64M") | cache(1, 2, 2, "Unified", "1M") | cache(1, 3, 3, "Unified", "32M"))
    assert cores.last_level_bytes(1) == 32 << 20
    assert cores.last_level_bytes(0) is None


CPUINFO = (
    "processor\t: 0\ncpu MHz\t\t: 1200.5\nflags\t\t: fpu{}\n\nprocessor\t: 1\ncpu MHz\t\t: 3400.000\nflags\t: fpu{}\n"
)


@pytest.mark.parametrize(
    ("files", "cpuinfo", "told"),
    [
        ({"system/cpu/cpu1/cpufreq/scaling_cur_freq": "2800000"}, CPUINFO.format("", ""), 2.8e9),
        ({}, CPUINFO.format("", ""), 3.4e9),
        ({"system/cpu/cpu1/cpufreq/scaling_cur_freq": "<unknown>"}, CPUINFO.format("", ""), 3.4e9),
        ({"system/cpu/cpu0/cpufreq/scaling_cur_freq": "2800000"}, CPUINFO.format("", " hypervisor"), None),
        ({}, "processor\t: 1\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n", None),  # Arm tells no frequency there
        ({}, "processor\t: 11\ncpu MHz\t: 3400\nflags\t: fpu\n", None),
        ({}, None, None),
    ],
)
def test_the_frequency_is_that_of_the_core_and_not_the_label_of_a_virtual_one(
    root, monkeypatch, tmp_path, files, cpuinfo, told
):
    lay(root, files)
    monkeypatch.setattr(cores, "CPUINFO", tmp_path / "cpuinfo")
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    assert cores.hertz(1) == told


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes can't choose their cores here")
def test_the_record_tells_the_cores_their_cache_and_whether_they_are_shared(root, monkeypatch):
    own = max(os.sched_getaffinity(0))
    lay(root, {**cache(own, 2, 2, "Unified", "640K"), **cache(own, 3, 3, "Unified", "96M")})
    with machine.alone(1):
        about = machine.environment()
    assert (about.core_numbers, about.cores_shared) == ([own], False)
    assert (about.l2_bytes, about.last_level_bytes) == (640 * 1024, 96 << 20)
    monkeypatch.setattr(cores, "_locked", lambda *_: False)
    with ExitStack() as stack:
        stack.enter_context(machine.alone(1))
        assert machine.environment().cores_shared
        stack.enter_context(machine.alone(1))
        assert machine.environment().cores_shared
    assert not threads.shared()


@LOCKS
@pytest.mark.parametrize("crowded", [False, True])
def test_a_race_has_its_cores_from_the_first_pass_to_the_last(monkeypatch, crowded):
    seen = []

    class Looks(load("full_matrix")):
        def __init__(self, network):
            super().__init__(network)
            seen.append((sorted(os.sched_getaffinity(0)), set(cores._held)))

    if crowded:
        monkeypatch.setattr(cores, "_locked", lambda *_: False)
    about = race_here(Cell((4, 3, 2), 2), [made("a", Looks)], seconds=0.05).environment
    assert about.cores_shared == crowded
    assert len(about.core_numbers) == 1
    held = set() if crowded else set(about.core_numbers)
    assert all(looked == (about.core_numbers, held) for looked in seen)
    assert cores._held == set()
