"""What people see: everything in a folder rebuilt from its records, plots that say what they should."""

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest
from examples import LADDER, make_ladder_record, make_record
from shown import text

from bench.analysis import speedup_frame
from bench.records import store
from bench.records.record import Result
from bench.report import build, trainings
from bench.report.numbers import factor, seconds
from bench.report.predict import predict
from bench.report.side_by_side import QUANTITIES, compare
from bench.timing.training import Epoch


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder of a small grid and an epoch, reported once; and what was printed."""
    folder = tmp_path_factory.mktemp("built")
    grid = [make_record(batch, 0.8 * batch**0.5, width) for width in ("10", "30") for batch in (1, 10, 100)]
    for each in [*grid, make_record(10, data="mnist5k")]:
        store.append(folder, each)
    return folder, text(build.build(folder))


@pytest.fixture
def folder(built):
    return built[0]


def test_everything_follows_from_the_records_alone(built):
    folder, first = built
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    stems = ("factor-by-batch", "speedup-heatmap", "speedup-by-batch", "memory-by-batch", "waterfall")
    pictures = {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")}
    assert set(made) == {"cells.jsonl", "speedup.csv", "report.md", "report.html", *pictures}
    for path in folder.iterdir():
        if path.name != "cells.jsonl":
            path.unlink()
    assert text(build.build(folder)) == first
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made


def svg_text(path):
    return " ".join(element.text or "" for element in ET.parse(path).iter() if element.tag.endswith("text"))


def test_the_heatmap_has_the_factor_in_each_field_and_the_machine_below(folder):
    words = svg_text(folder / "speedup-heatmap.svg")
    rows = speedup_frame.frame(store.load(folder)[0])
    for value in rows[(rows["engine"] == "full_matrix") & (rows["data"] == "random")]["speedup"]:
        assert factor(value) in words
    assert "Test CPU, 2 cores" in words
    assert "noise floor" in words
    assert re.search(r"full_matrix is 0\.\d+x to [78]\.\d\dx as fast as per_sample", words)


def test_the_curves_have_the_claims_and_a_label_for_each_width(folder):
    words = svg_text(folder / "speedup-by-batch.svg")
    for label in ("width 10", "width 30", "2x: Nielsen's book", "5x: this project's source", "1x: above this line"):
        assert label in words


def test_the_summary_fits_80_columns_and_says_it_all(built):
    _, printed = built
    table = [line for line in printed.splitlines() if re.search(r" full_matrix +[\d.]+ [mu]s ", line)]
    assert len(table) == 7
    assert all(len(line) <= 80 for line in table)
    assert re.search(r"784-30-10-b100 +per_sample +8\.\d+ ms", printed)
    assert re.search(r"full_matrix +(1\.0\d ms|99\d us) +(7\.9|8\.0)\dx +\d\.\d\d-\d\.\d\dx +\d\.\d%", printed)
    assert re.search(
        r"one epoch, 784-30-10-b10-float64-t1-mnist5k: per_sample 1\.\d+ ms, full_matrix \d+ us \([34]\.",
        " ".join(printed.split()),
    )
    assert "At 784-30-10, batch 10 (float64, BLAS threads: 1), full_matrix takes " in " ".join(printed.split())
    assert "report.html, report.md, speedup.csv, cells.jsonl, 10 pictures" in " ".join(printed.split())


@pytest.mark.usefixtures("undrawn")
def test_the_widest_cell_and_name_fit_80_columns_in_a_table_for_each_dtype_and_threads(tmp_path):
    engines = {"per_sample": (40.0, None), "torch_compiled": (190.0, None)}
    for dtype, threads in (("float64", 1), ("float32", 2)):
        store.append(tmp_path, make_ladder_record(1000, "1000-1000", engines=engines, dtype=dtype, threads=threads))
    lines = text(build.build(tmp_path)).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum(bool(re.match(r"784-1000-1000-10-b1000 per_sample +40\.\d ms", line)) for line in lines) == 2
    assert (
        sum(bool(re.search(r" torch_compiled .* 0\.21\dx 0\.20\d-0\.21\dx +\d% +\d\.\d%$", line)) for line in lines)
        == 2
    )
    assert [line.split("  ")[0] for line in lines if line.startswith("cell")] == [
        "cell (float64-t1)",
        "cell (float32-t2)",
    ]


@pytest.mark.usefixtures("without_png")
def test_a_cell_that_was_raced_again_has_the_figures_of_its_last_race_everywhere(tmp_path):
    engines = {name: LADDER[name] for name in ("per_sample", "full_matrix", "jax_jit")}
    grid = [
        make_ladder_record(batch, hidden, engines=engines) for hidden in ("10", "30", "100") for batch in (1, 10, 100)
    ]
    slow = make_ladder_record(
        floor=9.0, noise=0.2, engines={name: (300.0, after) for name, (_, after) in engines.items()}
    )
    failed = [Result(one.name, left_out="crashed", failed=True, after=one.after) for one in slow.contestants]
    crashed = msgspec.structs.replace(slow, contestants=failed, noise=None)
    fine = next(each for each in grid if each.cell == slow.cell)
    raced = {"once": grid, "twice": [*(crashed if each is fine else each for each in grid), slow, fine]}
    made, predicted = {}, {}
    for name, found in raced.items():
        (folder := tmp_path / name).mkdir()
        for each in found:
            store.append(folder, each)
        printed = text(build.build(folder), 200).partition(f"in {folder}")[0]
        made[name] = printed, {path.name: path.read_bytes() for path in folder.iterdir() if path.name != store.FILE}
        predicted[name] = text(predict(folder, slow.cell)).replace(str(folder), "")
    assert made["twice"] == made["once"]
    assert {"speedup.csv", "report.md", "waterfall.svg"} <= made["once"][1].keys()
    assert predicted["twice"] == predicted["once"]
    rows = compare([tmp_path / "once", tmp_path / "twice"]).rows
    assert len(rows) == len(engines) * len(grid)
    for quantity in QUANTITIES:
        assert rows[quantity, "A"].equals(rows[quantity, "B"])


@pytest.mark.usefixtures("undrawn")
def test_who_was_left_out_is_named_with_the_reason_even_in_brackets(tmp_path, record):
    store.append(tmp_path, record(failed="weights[0] is off [/by] 0.9"))
    assert "wrong was left out: weights[0] is off [/by] 0.9" in text(build.build(tmp_path))


@pytest.mark.usefixtures("without_png")
def test_a_cell_without_a_speedup_is_a_marked_gap(tmp_path, record):
    for each in (record(1), record(10, slow="too slow"), record(100)):
        store.append(tmp_path, each)
    list(build.build(tmp_path))
    assert "left out" in svg_text(tmp_path / "speedup-heatmap.svg")


def test_records_without_a_grid_make_a_table_and_no_plots(tmp_path, record):
    store.append(tmp_path, record(10, data="mnist5k"))
    list(build.build(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"cells.jsonl", "speedup.csv", "report.md", "report.html"}


@pytest.mark.usefixtures("without_png")
def test_each_setting_beside_batch_and_width_has_a_field_of_its_own(tmp_path, record):
    for each in (
        record(1),
        record(1, dtype="float32"),
        record(1, threads=2),
        record(1, width="30-30"),
        record(1, width=""),
    ):
        store.append(tmp_path, each)
    list(build.build(tmp_path))
    words = svg_text(tmp_path / "speedup-heatmap.svg")
    for setting in ("one hidden layer, 10 outputs; float64; BLAS threads: 1", "float32", "BLAS threads: 2"):
        assert setting in words
    assert "0.4" not in words.split()  # five fields leave a place free: it has no axes of its own
    assert "2 hidden layers" in words
    assert "no hidden layer" in words


@pytest.mark.parametrize(
    ("value", "words"), [(0.9712, "0.971x"), (4.6, "4.60x"), (12.34, "12.3x"), (123.4, "123x"), (999.6, "1000x")]
)
def test_factors_in_words(value, words):
    assert factor(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(1.5, "1.50 s"), (0.0123, "12.3 ms"), (4.2e-5, "42.0 us"), (9.996e-4, "1.00 ms"), (2e-8, "20 ns")],
)
def test_times_in_words(value, words):
    assert seconds(value) == words


def test_epochs_give_seconds_an_epoch_side_by_side_and_the_factor():
    done = []
    for number, (slow, fast) in enumerate([(10.0, 2.0), (9.0, 2.0), (20.0, 4.0)], start=1):
        done.append(Epoch(number, {"per_sample": slow, "full_matrix": fast}, {"per_sample": 0.9, "full_matrix": 0.9}))
    assert trainings.epoch_heading(["per_sample", "full_matrix"], "accuracy").split() == [
        "epoch",
        "per_sample",
        "accuracy",
        "full_matrix",
        "accuracy",
    ]
    assert trainings.epoch_line(done[0], "accuracy").split() == ["1", "10.0", "s", "90.00%", "2.00", "s", "90.00%"]
    assert list(trainings.conclusion(done, "accuracy")) == [
        "per_sample: 10.0 s an epoch, test accuracy 90.00%",
        "full_matrix: 2.00 s an epoch, test accuracy 90.00%; 5.00x as fast as per_sample",
    ]
