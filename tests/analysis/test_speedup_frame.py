"""The tidy frame: a row for each cell and engine, and a CSV that is the same to the byte."""

import pandas as pd
import pytest
from examples import GRID, LOOP, MATRIX, exact, make_timed_record

from bench.analysis import cost_model, speedup_frame


def test_a_row_for_each_cell_and_engine(grid_records):
    rows = speedup_frame.frame(grid_records)
    assert list(rows.columns) == list(speedup_frame.COLUMNS)
    assert len(rows) == 12
    row = rows[(rows["cell"] == "784-30-10-b100-float64-t1") & (rows["engine"] == "full_matrix")].iloc[0]
    assert row["speedup"] == pytest.approx(8, rel=0.02)
    assert row["speedup_low"] < 8 < row["speedup_high"]
    assert row["seconds_per_step"] == pytest.approx(1e-3, rel=0.02)
    assert row["samples_per_second"] == pytest.approx(1e5, rel=0.02)
    assert 0 < row["noise_floor"] < 0.03
    assert (row["passes"], row["rounds"], row["peak_bytes"]) == (8, 32, 200_000)


def test_the_baseline_is_1(grid_records):
    rows = speedup_frame.frame(grid_records)
    assert (rows[rows["engine"] == "per_sample"]["speedup"] == 1).all()


def test_who_was_left_out_has_a_row_with_the_reason(record):
    rows = speedup_frame.frame([record(failed="gradient off"), record(3, slow="too slow")])
    wrong = rows[rows["engine"] == "wrong"].iloc[0]
    assert wrong["left_out"] == "gradient off"
    assert pd.isna(wrong["seconds_per_step"])
    without_baseline = rows[(rows["batch"] == 3) & (rows["engine"] == "full_matrix")].iloc[0]
    assert pd.isna(without_baseline["speedup"])
    assert without_baseline["seconds_per_step"] > 0


def test_the_csv_reads_back_and_repeats_to_the_byte(tmp_path, grid_records):
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for path in paths:
        path.write_bytes(speedup_frame.csv(speedup_frame.frame(grid_records)))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    back = pd.read_csv(paths[0])
    assert list(back.columns) == [name for name in speedup_frame.COLUMNS if name != "at_once"]
    assert back["speedup"].to_list() == pytest.approx(speedup_frame.frame(grid_records)["speedup"].to_list(), rel=1e-5)


def test_who_sends_the_batch_through_at_once_is_told_where_the_parts_are_known():
    found = [make_timed_record(cell, {"loop": exact(LOOP, cell), "whole": exact(MATRIX, cell)}) for cell in GRID]
    assert not speedup_frame.frame(found)["at_once"].any()
    rows = speedup_frame.frame(found, cost_model.models(found))
    assert rows[rows["engine"] == "whole"]["at_once"].all()
    loops = rows[rows["engine"] == "loop"]
    assert (loops["at_once"] == (loops["batch"] == 1)).all(), "one sample goes through at once whoever does it"
