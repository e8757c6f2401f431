"""The roofline in a report: where a record has a peak a picture and its sentences, and nothing where none has."""

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest
from examples import ENVIRONMENT, PEAK, make_record, make_timed_record, under

from bench.analysis import speedup_frame
from bench.cells.cell import Cell
from bench.records import store
from bench.report import build, numbers
from bench.report import roofline as words
from bench.report.figures import panels, roofline, save
from bench.report.grouping import grid_of

CELL = Cell((784, 30, 10), 10)


def reported(folder, *records):
    for record in records:
        store.append(folder, record)
    list(build.build(folder))
    return (folder / "report.md").read_text(), (folder / "report.html").read_text()


def drawn(records):
    """The words of each panel, drawn alone."""
    for panel in roofline.panels(grid_of(speedup_frame.frame(records))):
        svg = ET.fromstring(save.encode(panels.small(panel), "svg"))
        yield panel, " ".join(element.text or "" for element in svg.iter() if element.tag.endswith("text"))


@pytest.mark.usefixtures("undrawn")
def test_a_peak_gives_a_picture_and_a_section_in_both_pages(tmp_path):
    told, page = reported(tmp_path, *under(PEAK, *(make_record(batch) for batch in (1, 10))))
    assert (
        "![Flops per second against flops per byte, under the peak of the products and of a copy](roofline.png)" in told
    )
    assert "<summary>How near to the machine: the roofline</summary>" in told
    assert "How near to the machine: the roofline</h2>" in page
    assert re.search(r"<figcaption><strong>full_matrix reaches \d+% of the products&#39; peak, per_sample \d+%", page)
    assert {"roofline.png", "roofline.svg"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.usefixtures("undrawn")
def test_without_a_peak_there_is_none_of_it(tmp_path):
    told, page = reported(tmp_path, make_record(1), make_record(10))
    assert "roofline" not in told + page
    assert not list(tmp_path.glob("roofline*"))


def test_the_sentence_has_the_numbers_of_the_rows():
    engines = {"per_sample": CELL.flops / 1e9, "fused": CELL.flops / 4e10}
    rows = speedup_frame.frame(under(PEAK, make_timed_record(CELL, engines)))
    *_, listing = words.blocks(rows)
    assert listing.items == [
        (
            "float64; BLAS threads: 1",
            ": a large product does 50.0 Gflop/s (20 in a cycle); a copy of 33.6 MB moves 20.0 GB/s, and one within "
            "the second-level cache 80.0 GB/s; fused comes to 40.0 Gflop/s (16 in a cycle) at "
            "784-30-10-b10-float64-t1, 80% of that peak; per_sample comes to 1.00 Gflop/s (0.4 in a cycle) at "
            "784-30-10-b10-float64-t1, 2% of that peak.",
        )
    ]


def test_what_is_not_known_is_not_told():
    peak = msgspec.structs.replace(PEAK, cache_bytes_per_second=None, hertz=None)
    (record,) = under(peak, make_timed_record(CELL, {"per_sample": 1e-3}))
    text, _, listing = words.blocks(speedup_frame.frame([record]))
    assert "cycle" not in text.words
    ((_, told),) = listing.items
    assert "cycle" not in told
    assert "cache" not in told
    assert told.count("per_sample") == 1
    ((panel, shown),) = drawn([record])
    assert panel.finding == "per_sample reaches 2% of the products' peak"
    assert "L2" not in shown


def test_the_panel_has_the_three_lines_with_their_numbers_and_every_engine():
    ((panel, shown),) = drawn(under(PEAK, make_record(1), make_record(10)))
    for label in ("products: 50.0 Gflop/s", "copy of 33.6 MB: 20.0 GB/s", "copy in L2: 80.0 GB/s"):
        assert label in shown
    assert "per_sample" in shown
    assert "full_matrix" in shown
    assert panel.setting == "float64; BLAS threads: 1"


def test_dots_and_roofs_lie_where_the_numbers_say():
    from matplotlib.figure import Figure

    record = make_timed_record(CELL, {"per_sample": 1e-3, "fused": 1e-4})
    (panel,) = roofline.panels(grid_of(speedup_frame.frame(under(PEAK, record))))
    panel.draw(axes := Figure().subplots())
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    for engine, seconds in (("per_sample", 1e-3), ("fused", 1e-4)):
        ((x, y),) = lines[engine]
        assert (x, y) == pytest.approx((CELL.flops / CELL.least_bytes, CELL.flops / seconds / 1e9))
    ends = [line.get_xydata()[-1] for line in axes.lines]
    assert any(end == pytest.approx((2.5, 50)) for end in ends), "memory's line ends where 20 GB/s are 50 Gflop/s"
    assert any(end == pytest.approx((0.625, 50)) for end in ends), "and the cache's, where 80 GB/s are"


def test_each_machine_dtype_and_number_of_threads_has_a_panel_and_eight_a_figure():
    about = msgspec.structs.replace(ENVIRONMENT, host="abcdef")
    found = [
        record
        for dtype in ("float64", "float32")
        for threads in (1, 2, 4)
        for record in under(PEAK, make_record(10, dtype=dtype, threads=threads))
    ]
    found += [msgspec.structs.replace(record, environment=about) for record in found]
    rows = grid_of(speedup_frame.frame(found))
    settings = [panel.setting for panel in roofline.panels(rows)]
    assert len(set(settings)) == len(settings) == 12
    assert settings[0] == "machine A: float64; BLAS threads: 1"
    assert settings[-1] == "machine B: float32; BLAS threads: 4"
    figures = {name: draw() for name, draw in roofline.draw(rows, "note")}
    assert list(figures) == ["roofline", "roofline-2"]


def test_functions_share_the_roofs():
    found = under(PEAK, make_record(10), make_record(10, hidden="relu"))
    assert len(list(roofline.panels(grid_of(speedup_frame.frame(found))))) == 1


@pytest.mark.parametrize(
    ("value", "told"),
    [(52.54e9, "52.5 Gflop/s"), (9.996e8, "1.00 Gflop/s"), (1.2e12, "1.20 Tflop/s"), (12.0, "12 flop/s")],
)
def test_a_rate_has_three_digits_and_a_prefix(value, told):
    assert numbers.rate(value, "flop") == told
