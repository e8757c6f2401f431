"""Words that say no more than the numbers do."""

import re
import xml.etree.ElementTree as ET
from math import inf

import msgspec
import pandas as pd
import pytest
from examples import GRID, LOOP, MATRIX, exact, make_ladder_record, make_record, make_timed_record

from bench.analysis import cost_model, speedup_frame, speedups
from bench.analysis.intervals import Estimate
from bench.cells.cell import Cell
from bench.records import store
from bench.records.record import Result
from bench.report import answer, numbers, predict, races, sections, tables
from bench.report.figures import panels, save, speedup_bars
from bench.report.grouping import grid_of


@pytest.fixture(scope="module")
def pair():
    """The models of the baseline and of the challenger."""
    return cost_model.models(
        [
            make_timed_record(cell, {"per_sample": exact(LOOP, cell), "full_matrix": exact(MATRIX, cell)})
            for cell in GRID
        ]
    )


CROSSOVERS = {
    (0.0, 0.0, 0.0): ("is ahead of per_sample from batch 1 on", "from batch 1 on"),
    (0.0, 0.0, 0.94): ("is ahead of per_sample from batch 1 on", "from batch 1 on"),
    (0.94, 0.8, 0.99): ("is ahead of per_sample from batch 1 on", "from batch 1 on"),
    (0.0, 0.0, 3.2): (
        "is ahead of per_sample from batch 1 on, and in its whole 95 % interval from batch 4 on",
        "below 1 (below 1 to 3.20)",
    ),
    (0.94, 0.8, inf): (
        "is ahead of per_sample from batch 1 on, and in its whole 95 % interval at no batch size",
        "below 1 (below 1 to no batch size)",
    ),
    (1.27, 0.94, 1.53): (
        "overtakes per_sample at a batch of 1.27 (95 % interval below 1 to 1.53): it pays from batch 2 on",
        "1.27 (below 1 to 1.53)",
    ),
    (5.0, 4.0, inf): (
        "overtakes per_sample at a batch of 5.00 (95 % interval 4.00 to no batch size)",
        "5.00 (4.00 to no batch size)",
    ),
    None: ("overtakes per_sample at no batch size", "never"),
}


@pytest.mark.parametrize("ends", CROSSOVERS, ids=str)
def test_a_crossover_is_told_as_far_as_its_interval_goes(monkeypatch, pair, ends):
    for room in (answer, tables):
        monkeypatch.setattr(room, "crossover", lambda *_: ends and Estimate(*ends))
    sentence, field = CROSSOVERS[ends]
    assert answer.pays_from(*pair, GRID[0]) == f"By the cost model full_matrix {sentence}"
    assert {line[-1] for line in tables.crossovers(pair, "per_sample", "full_matrix").lines} == {field}


def test_a_crossover_is_of_settings_that_both_have_run():
    def raced(cell, *engines):
        return make_timed_record(cell, {name: exact(price, cell) for name, price in engines})

    loop, matrix = ("per_sample", LOOP), ("full_matrix", MATRIX)
    single = [msgspec.structs.replace(cell, dtype="float32") for cell in GRID]
    models = cost_model.models([raced(cell, loop, matrix) for cell in GRID] + [raced(cell, matrix) for cell in single])
    lines = tables.crossovers(models, "per_sample", "full_matrix").lines
    assert [line[0] for line in lines] == ["784-10-10", "784-30-10", "784-100-10"]
    assert all("float32" not in line[1] for line in lines)


def svg_text(svg):
    return " ".join(element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("text"))


def drawn(found, stem, engine):
    """The text of one engine's panel."""
    (panel,) = [panel for panel in panels.by_stem(grid_of(speedup_frame.frame(found)))[stem] if panel.engine == engine]
    return svg_text(save.encode(panels.small(panel), "svg"))


def test_the_claims_stand_beside_the_pair_that_they_are_about_only():
    found = [make_ladder_record(batch) for batch in (1, 10)]
    assert "Nielsen" in drawn(found, "speedup-by-batch", "full_matrix")
    assert "Nielsen" not in drawn(found, "speedup-by-batch", "fused")
    others = [make_timed_record(Cell((8, 4, 2), batch), {"fused": 1.0, "full_matrix": 0.5}) for batch in (1, 10)]
    assert "source" not in drawn(others, "speedup-by-batch", "full_matrix")


def test_what_a_step_goes_to_is_told_of_batch_sizes_at_which_that_is_known():
    rows = speedup_frame.frame([make_record(batch) for batch in (1, 10, 100)])
    known = {"calls_share": 0.5, "passes_share": 0.25, "products_share": 0.25, "shares_are": "measured"}
    rows.loc[rows["batch"] > 1, [*known]] = [*known.values()]
    found = panels.by_stem(grid_of(rows))["cost-shares"]
    assert {panel.finding.partition(" ")[2] for panel in found} == {"spends 50% on calls at batch 10, 50% at batch 100"}
    found = panels.by_stem(grid_of(pd.concat([rows, rows.assign(sizes="784-100-10", width=100)])))["cost-shares"]
    assert all(panel.finding.endswith("50% at batch 100, in the median of its networks") for panel in found)


def test_left_out_is_who_was_asked_and_not_timed():
    def heatmap(*found, stem="speedup-heatmap"):
        return drawn(found, stem, "full_matrix")

    hole = [make_record(1, width="10"), make_record(10, width="30")]  # two corners of four
    assert "left out" not in heatmap(*hole)
    slow = make_record(10, width="10")
    slow = msgspec.structs.replace(slow, contestants=[slow.contestants[0], Result("full_matrix", left_out="too slow")])
    assert heatmap(*hole, msgspec.structs.replace(slow, noise=None)).count("left out") == 1
    assert re.search("per_sample left out", heatmap(*hole, make_record(10, width="10", slow="too slow")))
    with_floor = [make_ladder_record(1), make_ladder_record(10, floor=None)]
    assert "no floor" in heatmap(*with_floor, stem="efficiency-heatmap")


def test_who_is_level_with_the_fastest_is_named_beside_it():
    engines = {"per_sample": (40.0, None), "full_matrix": (10.0, "per_sample"), "in_place": (4.12, "full_matrix")}
    engines |= {"fused": (4.0, "in_place"), "jax_jit": (4.11, None)}
    for noise, beside in ((0.02, True), (0.00001, False)):
        record = make_ladder_record(engines=engines, noise=noise)
        best, *level = [result.name for result in speedups.fastest(record)]
        told = " ".join(answer.sentences([record], speedup_frame.frame([record])))
        assert (f"and the noise does not tell {answer.listed(level)} from it" in told) if beside else not level
        assert f"The fastest engine there is {best}, " in told
        (line,) = tables.every_cell([record]).lines
        ours = {name for name in (best, *level) if name != "jax_jit"}
        assert set(line[5].split(", ")) == (ours if beside else {"fused"})


def test_one_pass_has_no_interval_and_says_so():
    assert numbers.estimate(Estimate(2.0, 0.0, inf)) == "2.00x (one pass: no interval)"
    assert numbers.estimate(Estimate(2.0, 1.0, inf)).startswith("2.00x (1.00-inf")
    record = make_record()
    once = [msgspec.structs.replace(result, seconds=result.seconds[:1]) for result in record.contestants]
    record = msgspec.structs.replace(record, contestants=once, noise=None)
    rows = speedup_frame.frame([record])
    assert "(95 % interval none: one pass)." in " ".join(answer.sentences([record], rows))
    assert "(one pass: no interval), " in svg_text(save.encode(speedup_bars.draw(rows), "svg"))


@pytest.mark.parametrize(("names", "told"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_lists_in_words(names, told):
    assert answer.listed(names) == told


def test_the_worst_error_seen_is_no_bound(pair, tmp_path):
    for cell in GRID:
        timed = {"per_sample": exact(LOOP, cell), "full_matrix": exact(MATRIX, cell)}
        store.append(tmp_path, make_timed_record(cell, timed))
    parts = list(predict.predict(tmp_path, Cell((784, 30, 10), 10)))
    told = " ".join(part for part in parts if isinstance(part, str))
    assert "at most" not in told
    assert "another cell may be further off" in told
    (table,) = [part for part in parts if not isinstance(part, str)]
    assert table.headings[-2:] == ["off by", "worst so far"]
    assert "the worst seen so far is" in answer.missed(pair)


def test_an_epochs_floor_of_old_records_is_no_measure(tmp_path):
    record = make_ladder_record()
    epoch = msgspec.structs.replace(record, cell=msgspec.structs.replace(record.cell, data="mnist5k"))
    assert speedups.efficiency(record, record.contestants[0])
    assert speedups.efficiency(epoch, epoch.contestants[0]) is None
    store.append(tmp_path, epoch)
    assert not any("floor" in str(part) for part in races.describe([epoch]))


def test_each_baseline_is_named_in_what_was_asked():
    found = [make_record(), make_timed_record(Cell((8, 4, 2), 1), {"fused": 1.0, "mine.py": 2.0})]
    asked, *_ = sections.tell(found, speedup_frame.frame(found), [], [], "note")
    assert (
        asked.blocks[0].words
        == "How much faster is a step of backprop by full_matrix, mine.py than by per_sample or fused?"
    )
