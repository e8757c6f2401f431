"""What races give in Python: speedups with intervals, times, frames, pictures, and what a notebook shows of them."""

import subprocess
import sys

import numpy as np
import pytest
from examples import make_finding, make_gate_record, make_ladder_record, make_record
from matplotlib.figure import Figure
from repository import ROOT

import bench
from backprop import InputError
from bench import Judgement, Races, load
from bench.analysis import speedups
from bench.api import arguments
from bench.records import store


@pytest.fixture
def one():
    return Races([make_ladder_record()])


@pytest.fixture
def grid():
    return Races([make_ladder_record(batch, width) for width in ("10", "30") for batch in (1, 10, 100)])


CHEAP = """
import sys, bench
print("numpy" in sys.modules)
import bench.sweep.run, bench.gate.run
from bench import race, sweep, gate, load
from inspect import signature
print(*(next(iter(signature(function).parameters)) for function in (race, sweep, gate, load)))
"""


def test_importing_it_is_cheap_and_a_name_is_a_function_whatever_was_imported_before():
    command = [sys.executable, "-W", "error", "-c", CHEAP]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "engines", "grid", "against", "folder"]
    assert bench.sweep.__doc__.startswith("Race engines in each cell of a grid")  # and not what the room is
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bench.nothing


def test_a_race_tells_the_speedup_and_the_seconds_of_each_engine(one):
    (record,) = one.records
    gain = one.speedup("fused")
    assert one.speedup(type("fused", (), {})) == gain  # as a class is raced by its name
    by_name = {result.name: result for result in record.contestants}
    assert gain == speedups.speedup(record, by_name["fused"])
    assert gain.low < gain.value < gain.high
    assert one.seconds("per_sample").value / one.seconds("fused").value == pytest.approx(gain.value, rel=0.01)
    other = one.relative_to("fused")
    assert other.speedup("per_sample").value == pytest.approx(1 / gain.value)
    assert one.engines == list(by_name)
    frame = one.frame()
    assert list(frame["engine"]) == list(by_name)
    assert frame.set_index("engine").loc["fused", "speedup"] == gain.value


def test_several_races_are_asked_one_at_a_time(grid):
    assert len(grid) == len(grid.cells) == len(list(grid)) == 6
    (ten,) = grid.at(batch=10, sizes="784-30-10")
    assert ten.cells == ["784-30-10-b10-float64-t1"]
    assert ten.speedup("fused").value > 1
    assert grid.at(sizes="784-10-10").cells == grid.cells[:3]
    with pytest.raises(InputError, match=r"there are 6 races, in .*: pick one by at\(sizes=\.\.\., batch=\.\.\.\)"):
        grid.speedup("fused")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda one: one.speedup("fusde"), "fusde was not raced: did you mean fused? there are per_sample"),
        (lambda one: one.seconds("nobody"), "nobody was not raced: "),
        (lambda one: one.at(batch=7), "no race has batch 7: there are 784-30-10-b10-float64-t1"),
        (lambda one: one.at(bacth=7), "races have no 'bacth': did you mean batch?"),
        (lambda one: one.at(engine="fused"), "races have no 'engine': "),
        (lambda one: one.relative_to("nobody"), "the baseline 'nobody' was not raced: there are "),
        (
            lambda _: Races([make_record(failed="it is off")]).speedup("wrong"),
            "wrong was left out: it is off",
        ),
        (lambda _: bench.race(), "name the engines to race, as in race"),
        (lambda _: bench.race("fused", sizes="7"), "sizes must be two or more"),
        (
            lambda _: bench.race("fused", sizes=(784, 30, 10)),
            "sizes must be text such as '784-30-10', not (784, 30, 10)",
        ),
        (lambda _: bench.race("fused", batch=10.5), "batch must be a whole number, not 10.5"),
        (lambda _: bench.race("fused", seconds="5"), "seconds must be a number, not '5'"),
        (lambda _: bench.race("fused", allocator="pin"), "the allocator is 'pinned' or 'default', not 'pin'"),
        (lambda _: bench.gate("HEAD", engines="fused,nobody"), "unknown engine 'nobody'"),
        (lambda _: bench.gate("HEAD", engines=[Races]), "the address of an engine must be text such as 'full_matrix'"),
        (lambda _: bench.race("fused", baseline="in_place"), "the baseline 'in_place' is not raced: "),
        (lambda _: bench.sweep("smoke", out="x"), "name the engines to race, as in sweep"),
        (lambda _: bench.sweep({"sizes": ["8-4-2"]}, "fused", out="x"), "grid: Object missing required field `batch`"),
        (lambda _: load("nowhere"), "nowhere/cells.jsonl can't be read"),
    ],
)
def test_a_wrong_call_is_an_error_of_one_line(one, ask, message):
    with pytest.raises(InputError) as refusal:
        ask(one)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("few_passes", "temporary")
def test_a_race_a_sweep_and_what_was_recorded_have_one_face(tmp_path):
    batch, seconds = np.int64(20), np.float64(0.2)  # as they come from an array
    raced = bench.race("per_sample", "full_matrix", sizes="8-4-2", batch=batch, seconds=seconds, floor=False)
    assert raced.speedup("full_matrix").value > 2
    grid = {"sizes": ["8-4-2"], "batch": [1, 20]}
    swept = bench.sweep(grid, "per_sample", "full_matrix", out=tmp_path / "out", seconds=0.4, floor=False)
    assert swept.cells == ["8-4-2-b1-float64-t1", "8-4-2-b20-float64-t1"]
    assert load(tmp_path / "out").records == swept.records
    with pytest.raises(InputError, match="holds a sweep: go on with it by resume, or name another folder with out"):
        bench.sweep(grid, "per_sample", "full_matrix", out=tmp_path / "out")
    assert load(tmp_path / "out", "full_matrix").at(batch=20).speedup("per_sample").value < 0.5


def test_a_terminal_shows_the_table_and_a_notebook_the_picture_too(one, grid):
    assert "784-30-10-b10" in repr(one)
    assert "speedup" in repr(one)
    for shown in (one, grid, Judgement(make_gate_record(make_finding()))):
        assert isinstance(shown.plot(), Figure)
        assert shown.plot()._repr_png_().startswith(b"\x89PNG")
        bundle = shown._repr_mimebundle_()
        assert bundle["text/plain"] == repr(shown)
        assert bundle["text/html"] == shown._repr_html_()
        assert bundle["text/html"].count("data:image/png;base64,") == 1
        assert "<table" in bundle["text/html"]


def test_what_engines_say_is_text_in_a_notebook():
    race = Races([make_record(failed="<script>alert(1)</script>")])
    assert "<script>" not in race._repr_html_()
    assert "&lt;script&gt;" in race._repr_html_()


def test_a_judgement_tells_what_the_gate_found():
    found = Judgement(make_gate_record(make_finding(verdict="regressed", slowdown=1.1), make_finding("fused")))
    assert found.red
    assert not found.open
    frame = found.frame().set_index("engine")
    assert frame.loc["full_matrix", "verdict"] == "regressed"
    assert frame.loc["full_matrix", "slowdown"] == pytest.approx(1.1)
    assert "full_matrix regressed in 1 of 1 cells" in repr(found)


def test_records_of_a_folder_come_with_their_warnings(tmp_path):
    for record in (make_record(), make_record(1)):
        store.append(tmp_path, record)
    with (tmp_path / store.FILE).open("ab") as file:
        file.write(b'{"torn')
    with pytest.warns(UserWarning, match="was cut off"):
        assert len(load(tmp_path)) == 2


def test_errors_name_what_is_given_as_python_does_and_quote_commands_as_they_are():
    with (
        pytest.raises(InputError, match="name max_hours or dask, and git fetch --unshallow"),
        arguments.spelled(bench.sweep),
    ):
        raise InputError("name --max-hours or --dask, and git fetch --unshallow")
