"""The suite as a user runs it, on a grid small enough for a test: in a process of its own where that is the point."""

import json
import re
from importlib.util import find_spec

import msgspec
import pandas as pd
import pytest
from examples import LADDER, make_ladder_record
from repository import ROOT
from suites import small, start

from bench.records import store
from bench.suite import run as suite_module

KINDS = {".jsonl", ".json", ".csv", ".md", ".html", ".png", ".svg"}
CELLS = {f"8-{width}-2-b{batch}-float64-t1" for width in (4, 6) for batch in (1, 4)}


@pytest.fixture
def made_up(monkeypatch):
    """Records of the four engines as races would have made them, at once."""
    engines = {name: LADDER[name] for name in ("per_sample", "full_matrix", "in_place", "fused")}

    def race(job, progress):
        return msgspec.structs.replace(make_ladder_record(engines=engines), cell=job.cell)

    monkeypatch.setattr(suite_module, "run_race", race)


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
    engines = ["per_sample", "full_matrix", "in_place", "fused"] + ["numba_jit"] * bool(find_spec("numba"))
    assert all([result.name for result in record.contestants] == engines for record in found)
    assert all(record.floor.seconds for record in found)


def test_progress_and_the_summary_are_printed(finished):
    folder, printed = finished
    for number in range(1, 5):
        assert re.search(rf"^\[{number}/4\] 8-\d-2-b\d-float64-t1  \w+ [\d.]+x  \d:\d\d left$", printed, re.M)
    table, summary = printed.split("= backprop-bench =")
    assert "8-4-2-b1" in summary
    assert f"in {folder / 'out'}" in summary
    assert f"benchmark '8-4-2-b1-float64-t1': {4 + bool(find_spec('numba'))} tests" in table


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
    done = here("bench", "--engines", "per_sample,none.py")
    assert done.returncode == 2
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


def test_records_of_the_run_before_are_set_aside(tmp_path, record, here):
    (tmp_path / "out").mkdir()
    store.append(tmp_path / "out", record())
    done = here(*small(tmp_path, "-k", "8-4-2-b1", "--no-floor"))
    assert done.returncode == 0
    assert store.load(tmp_path / "out")[0][0].floor is None
    (aside,) = tmp_path.glob("out-*")
    assert store.load(aside)[0] == [record()]
    assert str(aside) in done.stdout.replace("\n", "")
