"""Why the factor is what it is: what each change removed, in seconds that add up, marked measured or fitted."""

import re

import pytest
from examples import GRID, LOOP, MATRIX, exact, make_ladder_record, make_measured_record, make_timed_record
from msgspec.structs import replace

from bench.analysis import cost_model, speedup_frame
from bench.cells.cell import Cell
from bench.report import parts, pictures, why
from bench.report.document import Listing, Table, Text
from bench.report.figures import removed

SHARES = {  # of calls, passes and products
    "per_sample": (0.6, 0.1, 0.3),
    "full_matrix": (0.2, 0.3, 0.5),
    "in_place": (0.2, 0.2, 0.6),
    "fused": (0.6, 0.0, 0.4),
}


def split(found, known="measured"):
    """The rows of these records, with shares of the engines on the ladder."""
    rows = speedup_frame.frame(found)
    for number, column in enumerate(parts.COLUMNS.values()):
        rows[column] = rows["engine"].map({engine: shares[number] for engine, shares in SHARES.items()})
    return rows.assign(shares_are=known)


@pytest.fixture
def found():
    return [make_ladder_record(batch, noise=0.0) for batch in (1, 10, 100)]


def words(blocks):
    return [block.words for block in blocks if isinstance(block, Text)]


def test_each_change_says_what_it_removed_and_what_it_added(found):
    blocks = list(why.blocks(found, split(found)))
    (listing,) = [block for block in blocks if isinstance(block, Listing)]
    told = dict(listing.items)
    assert list(told) == ["per_sample to full_matrix", "full_matrix to in_place", "in_place to fused"]
    assert told["per_sample to full_matrix"] == (
        ": 220 us of calls and 70.0 us of products go (measured); 400 us become 100 us, 4.00x as fast. The loop over "
        "samples becomes the columns of one matrix."
    )
    assert ": 16.0 us of passes and 32.0 us of products go, 8.00 us of calls come" in told["in_place to fused"]
    assert "What is left of fused, 40.0 us: 24.0 us of calls, 0 ns of passes and 16.0 us of products." in words(blocks)
    assert parts.HOW["measured"] in words(blocks)
    assert parts.HOW["fitted"] not in words(blocks)


def test_each_batch_size_has_a_line_with_what_goes_and_how_that_is_known(found):
    *_, table = why.blocks(found, split(found, "fitted"))
    assert isinstance(table, Table)
    assert table.headings[3:] == ["factor (95 % interval)", "calls gone", "passes gone", "products gone", "parts are"]
    assert [line[0] for line in table.lines] == ["1", "10", "100"]
    assert table.lines[1][4:] == ["220 us", "10.0 us", "70.0 us", "fitted"]


def test_of_the_loop_it_says_why_the_parts_go_and_of_no_other_pair(found):
    told = " ".join(words(why.blocks(found, split(found))))
    assert "Calls are made once a step and not once for each sample" in told
    assert "Parameters and gradients" not in told, "of passes too little goes"
    others = [make_timed_record(cell, {"a": exact(LOOP, cell), "b": exact(MATRIX, cell)}) for cell in GRID]
    told = " ".join(words(why.blocks(others, speedup_frame.frame(others, cost_model.models(others)))))
    assert re.search(r"From a to b [\d.]+ [mu]s of calls", told)
    assert "each sample" not in told


def test_where_nothing_is_split_nothing_is_said_of_it(found):
    rows = speedup_frame.frame(found)
    assert list(why.blocks(found, rows)) == []
    assert removed.STEM not in pictures.of_the_story(found, rows)


def test_a_factor_of_which_nothing_was_resolved_has_no_reason():
    same = [make_timed_record(Cell((784, 30, 10), batch), {"per_sample": 1.0, "full_matrix": 1.0}) for batch in (1, 10)]
    told = words(why.blocks(same, split(same)))
    assert sum("No difference was resolved, but 400 ms of calls go, 200 ms of passes and" in one for one in told) == 2
    alike = split(same).assign(calls_share=0.2, passes_share=0.3, products_share=0.5)
    assert sum(one.endswith("No difference was resolved.") for one in words(why.blocks(same, alike))) == 2


def test_what_comes_is_below_zero_and_what_is_rounded_to_nothing_has_no_sign(found):
    shares = split(found)
    shares.loc[shares["engine"] == "full_matrix", ["calls_share", "passes_share", "products_share"]] = (0.1, 0.5, 0.4)
    *_, said, table = why.blocks(found, shares)
    assert said.words == "What goes from per_sample to full_matrix; what is below zero comes:"
    assert [line[4:7] for line in table.lines][1] == ["230 us", "-10.0 us", "80.0 us"]
    even = split(found).assign(calls_share=0.2, passes_share=0.0, products_share=0.8)
    even.loc[even["engine"] == "full_matrix", "calls_share"] = 0.8 + 1e-9  # of a quarter of the time
    *_, table = why.blocks(found, even)
    assert [line[4] for line in table.lines] == ["0 ns"] * 3


def test_a_ladder_of_which_one_rung_is_known_has_no_heading(found):
    rows = split(found)
    rows.loc[rows["engine"] != "per_sample", "calls_share"] = None
    assert not any("down the ladder" in told for told in words(why.blocks(found, rows)))


def test_where_the_first_rung_is_the_fastest_nothing_is_left_of_another():
    slow = [make_ladder_record(noise=0.0, engines={"per_sample": (40.0, None), "full_matrix": (50.0, "per_sample")})]
    told = words(why.blocks(slow, split(slow)))
    assert "Nothing on the ladder is faster than per_sample here." in told
    assert not any("What is left" in one for one in told)


def test_a_terminal_has_it_in_a_sentence(found):
    (told,) = why.in_brief(found, split(found))
    assert told.startswith("Why (measured): From per_sample to full_matrix 220 us of calls and 70.0 us of products go.")


def test_parts_that_were_raced_and_do_not_explain_the_whole_are_told_as_such():
    prices = {"per_sample": LOOP, "full_matrix": MATRIX}
    found = [make_measured_record(cell, prices) for cell in GRID]
    *_, last = found

    def longer(one):
        seconds = [[10 * one.seconds[0][0]] * 2] * 3
        return replace(one, parts=[replace(part, seconds=seconds) for part in one.parts])

    found[-1] = replace(last, contestants=[longer(one) for one in last.contestants])
    rows = speedup_frame.frame(found, cost_model.models(found))
    assert set(rows[rows["cell"] == last.cell.id]["shares_are"]) == {"fitted"}
    told = " ".join(words(why.blocks([found[-1]], rows)))
    assert "or together they took more than 1.2 times the whole" in told
