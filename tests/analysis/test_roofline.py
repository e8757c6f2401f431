"""The roofline: the bytes of a step by hand, the columns of a record with a peak, and the medians over races."""

from math import isnan

import msgspec
import pandas as pd
import pytest
from examples import PEAK, make_record, make_timed_record, under

from bench.analysis import rows, speedup_frame
from bench.analysis.roofline import roofs
from bench.cells.cell import Cell
from bench.records.record import Peak

SIZES = (784, 30, 10)


@pytest.mark.parametrize(("dtype", "itemsize"), [("float64", 8), ("float32", 4)])
def test_a_step_must_read_and_write_each_parameter_and_read_inputs_and_targets(dtype, itemsize):
    parameters = 784 * 30 + 30 + 30 * 10 + 10
    assert Cell(SIZES, 10, dtype).least_bytes == itemsize * (2 * parameters + 10 * 784 + 10 * 10)


def test_the_intensity_of_a_known_cell():
    forward = 2 * 10 * (784 * 30 + 30 * 10)  # and so many down and in the update, but none down to the inputs
    flops = 3 * forward - 2 * 10 * 784 * 30
    (row, *_) = rows.of([make_record(10)])
    assert row.flops_per_byte == pytest.approx(flops / 445_280)
    assert row.flops_per_byte == pytest.approx(2.1533, rel=1e-4)


def test_a_record_with_a_peak_has_it_in_its_rows():
    cell = Cell(SIZES, 10, threads=2)
    (row,) = rows.of(under(PEAK, make_timed_record(cell, {"fused": 1e-4})))
    assert row.flops_per_second == pytest.approx(cell.flops / 1e-4)
    told = (
        row.peak_flops_per_second,
        row.copy_bytes_per_second,
        row.copied_bytes,
        row.cache_bytes_per_second,
        row.hertz,
    )
    assert told == (5e10, 2e10, 1 << 26, 8e10, 2.5e9)
    assert row.flops_per_cycle == pytest.approx(cell.flops / 1e-4 / 2.5e9 / 2), "of one core"


def test_a_record_without_a_peak_or_a_time_has_gaps():
    old = speedup_frame.frame([make_record(10)]).iloc[0]
    assert old["flops_per_second"] > 0
    unknown = ["peak_flops_per_second", "copy_bytes_per_second", "copied_bytes", "cache_bytes_per_second", "hertz"]
    assert old[[*unknown, "flops_per_cycle"]].isna().all()
    assert isnan(rows.of(under(PEAK, make_record(slow="too slow")))[0].flops_per_second)
    (short,) = rows.of(under(Peak(5e10, 2e10, 1 << 26), make_timed_record(Cell(SIZES, 10), {"fused": 1e-4})))
    assert short.peak_flops_per_second == 5e10
    assert isnan(short.cache_bytes_per_second)
    assert isnan(short.hertz)
    assert isnan(short.flops_per_cycle)


def test_the_roofs_are_medians_over_races_whatever_the_engines():
    peaks = [msgspec.structs.replace(PEAK, flops_per_second=flops) for flops in (1e9, 5e10, 6e10)]
    found = [
        record
        for batch, peak, engines in zip((1, 10, 100), peaks, (("a", "b", "c", "d"), ("a",), ("a", "b")), strict=True)
        for record in under(peak, make_timed_record(Cell(SIZES, batch), dict.fromkeys(engines, 1e-4)))
    ]
    other = under(PEAK, make_timed_record(Cell(SIZES, 10, "float32"), {"a": 1e-4}))
    (double, part), (single, _) = roofs(speedup_frame.frame([*found, *other]))
    assert (double.dtype, double.threads, double.flops_per_second) == ("float64", 1, 5e10)
    assert (single.dtype, single.flops_per_second) == ("float32", PEAK.flops_per_second)
    assert len(part) == 7
    assert double.share(2.5e10) == 0.5
    assert double.flops_per_cycle(5e10) == 20


def test_races_without_a_peak_and_epochs_of_data_are_under_no_roof():
    found = [make_record(1), *under(PEAK, make_record(10, data="mnist5k"), make_record(100, slow="too slow"))]
    ((_, part),) = roofs(speedup_frame.frame(found))
    assert part[["batch", "engine"]].to_numpy().tolist() == [[100, "full_matrix"]]
    assert list(roofs(speedup_frame.frame(found[:2]))) == []


def test_the_csv_with_peaks_is_the_same_to_the_byte(tmp_path):
    found = under(PEAK, make_record(1), make_record(10))
    made = speedup_frame.csv(speedup_frame.frame(found))
    assert made == speedup_frame.csv(speedup_frame.frame(found))
    (tmp_path / "speedup.csv").write_bytes(made)
    assert pd.read_csv(tmp_path / "speedup.csv")["copied_bytes"].unique().tolist() == [1 << 26]
