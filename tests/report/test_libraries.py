"""The question inside each library: factors within one, memory beside them, and where there is nothing to ask."""

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest
from examples import make_timed_record
from shown import text

from bench.analysis.libraries import families, series
from bench.cells.cell import Cell
from bench.records import store
from bench.report import build, libraries
from bench.report.document import Fold, Table
from bench.report.figures import libraries as figures
from bench.report.figures import panels, save

MICROS = {  # of a sample; torch_vmap holds a gradient for each sample, jax_vmap does not
    "per_sample": 40.0,
    "stacked": 20.0,
    "full_matrix": 5.0,
    "torch_loop": 240.0,
    "torch_vmap": 60.0,
    "torch_eager": 10.0,
    "jax_loop": 90.0,
    "jax_vmap": 3.0,
    "jax_jit": 2.0,
}
KEEPS = ("stacked", "torch_vmap")


def raced(batch=10, only=MICROS, width=30, **setting):
    """A record of these engines, of which those in KEEPS hold 1 kB for each sample, and the others 4 kB."""
    cell = Cell((784, width, 10), batch, **setting)
    record = make_timed_record(cell, {name: 1e-6 * batch * MICROS[name] for name in only})
    weighed = [
        msgspec.structs.replace(one, peak_bytes=1000 * batch if one.name in KEEPS else 4000)
        for one in record.contestants
    ]
    return msgspec.structs.replace(record, contestants=weighed)


def tables(found):
    """The first of them is open, the others fold."""
    first, *others = [block for block in libraries.blocks(found) if isinstance(block, Table | Fold)]
    return [first, *(fold.table for fold in others)]


def test_a_factor_is_within_one_library():
    told = {
        family.library: [(way.result.name, way.over_before and way.over_before.value) for way in family.ways]
        for family in families(raced())
    }
    assert told == {
        "NumPy": [("per_sample", None), ("stacked", pytest.approx(2)), ("full_matrix", pytest.approx(4))],
        "PyTorch": [("torch_loop", None), ("torch_vmap", pytest.approx(4)), ("torch_eager", pytest.approx(6))],
        "JAX": [("jax_loop", None), ("jax_vmap", pytest.approx(30)), ("jax_jit", pytest.approx(1.5))],
    }


def test_the_table_has_a_line_for_each_library_and_batch_with_memory_at_its_end():
    (table,) = tables([raced(100), raced(1)])
    assert [line[:2] for line in table.lines] == [
        [library, batch] for library in ("NumPy", "PyTorch", "JAX") for batch in ("1", "100")
    ]
    last = dict(zip(table.headings, table.lines[3], strict=True))
    assert (last["loop"], last["loop holds"], last["at once holds"]) == ("24.0 ms", "4.00 kB", "100 kB")
    assert last["at once"].startswith("4.00x (")
    assert last["whole batch"].startswith("6.00x (")
    assert last["both"].startswith("24.0x (")


def test_a_way_that_was_not_timed_leaves_gaps_and_no_factor():
    (table,) = tables([raced(10, [name for name in MICROS if name not in ("stacked", "jax_loop")])])
    lines = {line[0]: dict(zip(table.headings, line, strict=True)) for line in table.lines}
    assert (lines["NumPy"]["at once"], lines["NumPy"]["whole batch"], lines["NumPy"]["at once holds"]) == ("", "", "")
    assert lines["NumPy"]["both"].startswith("8.00x")
    assert (lines["JAX"]["loop"], lines["JAX"]["both"]) == ("", "")
    assert lines["JAX"]["whole batch"].startswith("1.50x")


@pytest.mark.parametrize(
    "only",
    [
        ["per_sample", "stacked", "full_matrix"],
        ["per_sample", "full_matrix", "torch_eager", "jax_jit"],
        ["torch_loop", "torch_vmap", "torch_eager", "full_matrix"],
    ],
    ids=["one library", "one of it with a loop", "no loop of NumPy's"],
)
def test_where_no_two_libraries_compare_there_is_no_section(only):
    assert list(libraries.blocks([raced(10, only), raced(100, only)])) == []
    assert list(libraries.describe([raced(10, only)])) == []


def test_cells_that_differ_in_more_than_their_batch_are_apart():
    found = [raced(10), raced(100), raced(10, width=100), raced(10, dtype="float32"), raced(100, hidden="relu")]
    assert [[record.cell.batch for record in one.records] for one in series(found)] == [[10, 100], [10], [10], [100]]
    assert len(tables(found)) == 4


def test_the_finding_is_of_the_largest_batch_that_two_libraries_have():
    (one,) = series([raced(1), raced(10), raced(100, ["jax_loop", "jax_jit", "stacked", "full_matrix"])])
    assert libraries.findings(one) == [
        "At batch 10 the whole batch is 8.00x as fast as the loop in NumPy, 24.0x in PyTorch and 45.0x in JAX.",
        "At batch 10 per-sample gradients at once hold 2.50x the memory of the whole batch in NumPy, 2.50x in PyTorch "
        "and 1.00x in JAX.",
    ]


def test_a_report_has_the_section_the_picture_and_the_table_on_the_terminal(tmp_path, undrawn):
    for batch in (1, 10, 100):
        store.append(tmp_path, raced(batch))
    printed = text(build.build(tmp_path))
    page = (tmp_path / "report.md").read_text()
    assert f"## {libraries.TITLE}" in page
    assert "![" in page.partition(libraries.TITLE)[2].partition("##")[0]
    assert re.search(r"NumPy +100 +4\.00 ms +2\.00x +4\.00x +8\.00x", printed)
    assert (tmp_path / "libraries.png").exists()


def test_one_panel_has_the_factors_over_the_loops_and_the_other_the_memory_of_all():
    gains, memory = figures.panels([raced(batch) for batch in (1, 10, 100)])
    assert gains.finding == "The whole batch gains 8.00x in NumPy, 24.0x in PyTorch, 45.0x in JAX"
    assert memory.finding == "Per-sample gradients hold 25.0x in NumPy, 25.0x in PyTorch, 1.00x in JAX"
    assert gains.setting.startswith("at batch 100, times as fast as the loop; 784-30-10; float64")
    loops = {"per_sample", "torch_loop", "jax_loop"}
    for panel, named in ((gains, {*MICROS} - loops), (memory, {*MICROS})):
        svg = ET.fromstring(save.encode(panels.small(panel), "svg"))
        words = {element.text for element in svg.iter() if element.tag.endswith("text")}
        assert words & {*MICROS} == named
