"""What a race runs on, as it is told to the record."""

import json
import re
import subprocess
import sys

import msgspec
from threadpoolctl import threadpool_limits

from bench.cells.processors import cores
from bench.timing import machine


def test_the_environment_is_json_and_tells_the_threads_of_every_pool():
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            about = json.loads(msgspec.json.encode(machine.environment()))
        assert about["blas"]
        assert {pool["threads"] for pool in about["blas"]} == {threads}
    assert about["cpu"]
    assert about["python"].endswith(".".join(map(str, sys.version_info[:3])))


def test_machines_of_one_kind_are_told_apart_without_their_name(monkeypatch):
    monkeypatch.setattr(machine.platform, "node", lambda: "build-17.example")
    machine._unchanging.cache_clear()
    try:
        about = machine.environment()
    finally:
        machine._unchanging.cache_clear()
    assert re.fullmatch("[0-9a-f]{6}", about.host)
    assert f"(host {about.host})" in about.machine
    assert "build-17" not in str(about)


def test_packages_that_are_not_installed_are_left_out(monkeypatch):
    monkeypatch.setattr(machine, "PACKAGES", ("numpy", "no-such-package"))
    assert list(machine.versions()) == ["numpy"]


def test_the_revision_is_this_repositorys():
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    assert machine.environment().revision == (head.stdout.strip() or None)


def test_pinning_the_allocator_is_told():
    code = "from bench.timing import machine; print(machine.environment().allocator); machine.pin_allocator(); "
    code += "print(machine.environment().allocator, machine.platform.libc_ver()[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after, libc = done.stdout.split() if len(done.stdout.split()) == 3 else (*done.stdout.split(), "")
    assert before == "default"
    assert (after == "pinned") == (libc == "glibc")


def test_the_process_of_a_pass_tells_all_cores_of_the_machine_though_it_is_confined_to_its_own():
    code = "from bench.timing import machine, one_pass\nwith machine.alone(1): print(machine.environment().cores)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == cores()


def test_a_timed_process_stays_light():
    ours = "bench.timing.race, bench.records.record, bench.records.store, bench.cells.entry, bench.analysis.speedups"
    code = f"import sys, {ours}; "
    code += "print([m for m in ('pandas', 'matplotlib', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
