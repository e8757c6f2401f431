"""Every option of pytest's and of its plugins may be given to the suite: what would spoil the races is refused."""

import json
import os
from fnmatch import filter as matching
from importlib.util import find_spec

import pytest
from elsewhere import untouched
from stand_ins import PLAIN

from bench.records import store


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-n2"], "races can't run side by side: leave -n and --dist out, or pass -n 0"),
        (["-nauto"], "races can't run side by side"),
        (["--dist=load"], "races can't run side by side"),
        (["--benchmark-compare-fail=min:10%"], "without --benchmark-compare none is: save one with --benchmark-save"),
        (["--benchmark-compare", "--benchmark-compare-fail=min:10%"], "no saved run in ./.benchmarks is"),
        (["--benchmark-compare=7", "--benchmark-compare-fail=min:10%"], "no saved run in ./.benchmarks is"),
        (["--benchmark-compare=a/b/c"], "'a/b/c' isn't an existing file or acceptable glob"),
        (["--benchmark-json=nowhere/x.json"], "nowhere/x.json can't be written: No such file or directory"),
        (["--benchmark-json=."], ". can't be written: it is a folder"),
        (["--benchmark-json=out/../out/cells.jsonl"], "--benchmark-json and --race-results name the same file"),
        (["--benchmark-group-by=param:nix"], "can't be 'param:nix': there are group, name, func"),
        (["--benchmark-group-by=group,nix"], "can't be 'nix'"),
        (["--benchmark-save=x", "--benchmark-storage=grid.toml"], "Linux"),
        (["--benchmark-autosave", "--benchmark-storage=grid.toml/x"], "can't be written: Not a directory"),
        (["--benchmark-save=" + 300 * "x"], "File name too long"),
        (["--race-hidden=rely"], "unknown activation 'rely': did you mean relu?"),
        (["--race-head=softmax"], "unknown head 'softmax': did you mean softmax-cross-entropy?"),
        (["--race-grid=heads", "--race-hidden=relu"], "grid heads names hidden itself: leave --hidden relu out"),
        (["--race-results="], "--race-results is empty: name a folder"),
        (["--race-results=grid.toml"], "results folder grid.toml can't be written: it is a file"),
        (["--race-results=grid.toml/x"], "can't be written: Not a directory"),
    ],
)  # fmt: skip
def test_what_would_spoil_the_races_is_refused_before_the_first_in_one_line(suite, tmp_path, options, message):
    before = {path.name for path in tmp_path.iterdir()}
    status, out, err = suite(*options)
    assert (status, out) == (2, "")
    assert err.startswith("Exit: ")
    assert message in err
    assert err.count("\n") == 1
    untouched(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before


USUAL = "--race-hidden=relu", "--race-head=softmax-cross-entropy"


def test_functions_are_those_of_every_cell_of_the_grid(suite, tmp_path):
    assert suite(*USUAL)[0] == 0
    (record,) = store.load(tmp_path / "out")[0]
    assert record.cell.id == "4-3-2-b2-float64-t1-relu-softmax-cross-entropy"


def test_functions_are_those_of_the_epoch_too(here):
    listed = here("--benchmark", "--collect-only", "-q", *USUAL, "bench/suite/test_epoch.py").stdout
    assert "test_epoch[784-30-10-b10-float64-t1-relu-softmax-cross-entropy-mnist5k]" in listed
    assert "test_epoch[784-30-10-b10-float64-t1-mnist5k]" in here("--collect-only", "-q", "bench/suite").stdout


def test_an_engine_that_cannot_train_the_network_fails_no_check(suite, tmp_path):
    (tmp_path / "mine.py").write_text(PLAIN)
    for options in (USUAL, ()):
        status, out, _ = suite("--race-engines=mine.py,sklearn_mlp,full_matrix", *options, first="-q")
        assert status == 0, out
        assert "1 passed" in out


@pytest.mark.skipif(find_spec("pygal") is not None, reason="pygal is there")
def test_a_histogram_without_pygal_is_refused(suite):
    status, _, err = suite("--benchmark-histogram")
    assert status == 2
    assert "pip install 'pytest-benchmark[histogram]'" in err


@pytest.mark.parametrize("hook", ["update_json", "group_stats", "scale_unit"])
def test_what_breaks_at_the_end_does_not_cost_the_pages(suite, hook):
    @pytest.hookimpl(tryfirst=True)
    def broken():
        raise OSError("no such luck")

    plugin = type("Broken", (), {f"pytest_benchmark_{hook}": staticmethod(broken)})
    status, out, err = suite("--benchmark-json=x.json", plugin=plugin)
    assert status == 2
    assert "\nafter the races: OSError: no such luck\n" in out
    for line in ("*= backprop-bench =*", "pages", "the records that were there before: *", "*1 passed*"):
        assert matching(out.splitlines(), line)
    assert "INTERNALERROR" not in out + err


def test_rows_are_grouped_by_any_of_a_cells_fields(suite, tmp_path):
    status, out, _ = suite("--benchmark-group-by=param:cell,param:batch,param:engine", "--benchmark-json=x.json")
    assert status == 0
    assert "benchmark 'cell=4-3-2-b2-float64-t1 batch=2 engine=full_matrix': 1 tests" in out
    row, _ = json.loads((tmp_path / "x.json").read_text())["benchmarks"]
    assert row["params"]["cell"] == "4-3-2-b2-float64-t1"


def test_a_saved_run_of_another_machine_is_compared_with_wherever_it_lies(suite, tmp_path, monkeypatch):
    storage = f"--benchmark-storage={tmp_path / 'saved'}"
    suite(storage, "--benchmark-save=one")
    (saved,) = (tmp_path / "saved").rglob("*.json")
    run = json.loads(saved.read_text())
    saved.write_text(json.dumps({**run, "machine_info": {**run["machine_info"], "node": "another"}}))
    for name in ("test_step.py", "grid.toml"):
        (tmp_path / "far" / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "far" / name)
    monkeypatch.chdir(tmp_path / "far")
    with pytest.warns(UserWarning, match="is of another machine or other versions"):
        status, out, _ = suite(storage, "--benchmark-compare", "--benchmark-compare-fail=min:1000000%")
    assert status == 0
    assert "full_matrix (0001_one)" in out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes as Unix has them")
def test_a_pipe_for_the_json_is_left_to_its_reader(suite, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert suite("--benchmark-json=pipe")[0] == 0
    assert json.loads(os.read(reader, 1_000_000))["benchmarks"]
    os.close(reader)
