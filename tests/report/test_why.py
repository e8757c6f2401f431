"""Why the factor is what it is: what each change removed, in seconds that add up, marked measured or fitted."""

import re

import pytest
from examples import GRID, LOOP, MATRIX, exact, make_ladder_record, make_measured_record, make_timed_record
from msgspec.structs import replace

from bench.analysis import cost_model, ladder, speedup_frame
from bench.cells.cell import Cell
from bench.report import parts, pictures, why
from bench.report.document import Listing, Picture, Table, Text
from bench.report.figures import removed

SHARES = {  # of calls, passes and products
    "per_sample": (0.6, 0.1, 0.3),
    "full_matrix": (0.2, 0.3, 0.5),
    "in_place": (0.2, 0.2, 0.6),
    "fused": (0.6, 0.0, 0.4),
}


def split(found, known="measured", at_once=()):
    """The rows of these records, with shares of the engines on the ladder; those of at_once have the floor's products.

    known is how, for all engines or by engine.
    """
    rows = speedup_frame.frame(found)
    for number, column in enumerate(parts.COLUMNS.values()):
        rows[column] = rows["engine"].map({engine: shares[number] for engine, shares in SHARES.items()})
    ways = rows["engine"].map(known) if isinstance(known, dict) else known
    return rows.assign(shares_are=ways, at_once=rows["engine"].isin(at_once))


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
    assert table.lines[1][4:] == ["220 us", "-", "70.0 us", "fitted"], "of passes under 5 % goes"


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


def test_where_no_difference_was_resolved_no_part_goes_or_comes():
    same = [make_timed_record(Cell((784, 30, 10), batch), {"per_sample": 1.0, "full_matrix": 1.0}) for batch in (1, 10)]
    blocks = list(why.blocks(same, split(same)))
    assert sum(one.endswith("No difference was resolved.") for one in words(blocks)) == 2
    assert [line[4:7] for line in blocks[-1].lines] == [["-"] * 3] * 2
    assert list(why.in_brief(same, split(same))) == ["Why: No difference was resolved."]


def test_what_comes_has_a_minus(found):
    shares = split(found)
    shares.loc[shares["engine"] == "full_matrix", ["calls_share", "passes_share", "products_share"]] = (0.1, 0.5, 0.4)
    *_, said, table = why.blocks(found, shares)
    assert said.words.startswith("What goes from per_sample to full_matrix; with a minus, what comes;")
    assert [line[4:7] for line in table.lines][1] == ["230 us", "-", "80.0 us"], "of passes too little comes"
    shares.loc[shares["engine"] == "full_matrix", ["calls_share", "passes_share", "products_share"]] = (0.1, 0.6, 0.3)
    *_, table = why.blocks(found, shares)
    assert [line[4:7] for line in table.lines][1] == ["230 us", "-20.0 us", "90.0 us"]


@pytest.mark.parametrize(("least", "told"), [(0.06, True), (0.04, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_what_goes_and_what_comes_are_told_from_the_same_share_of_all_that_moves_on(least, told, sign):
    """The sentence, the table and the picture have one rule."""
    record = make_timed_record(Cell((784, 30, 10), 10), {"per_sample": 3.0, "full_matrix": 1.0})
    before = parts.Split(2.0, 0.5, 0.5, "measured", False)
    after = parts.Split(1.0 + least, 0.5 - sign * least, 0.5, "measured", False)
    factor = ladder.between(record, "per_sample", "full_matrix")
    assert ("passes" in parts.moved(record, factor, before, after)) is told


def test_products_of_two_that_send_the_batch_through_at_once_are_the_same(found):
    rows = split(found, at_once=["full_matrix", "in_place", "fused"])
    blocks = list(why.blocks(found, rows))
    (listing,) = [block for block in blocks if isinstance(block, Listing)]
    told = dict(listing.items)
    assert "220 us of calls and 70.0 us of products go" in told["per_sample to full_matrix"]
    assert ": 4.00 us of calls and 14.0 us of passes go (measured)" in told["full_matrix to in_place"]
    assert ": 16.0 us of passes go, 8.00 us of calls come (measured)" in told["in_place to fused"]


def test_parts_that_are_known_in_different_ways_are_told_apart(found):
    known = {"per_sample": "fitted", "full_matrix": "measured", "in_place": "measured", "fused": "measured"}
    blocks = list(why.blocks(found, split(found, known)))
    (listing,) = [block for block in blocks if isinstance(block, Listing)]
    apart = "70.0 us of products go (those of per_sample fitted and those of full_matrix measured)"
    assert apart in dict(listing.items)["per_sample to full_matrix"]
    assert sum("(those of per_sample fitted and" in one for one in words(blocks)) == 2, "of either end"


def test_a_table_under_the_picture_has_the_parts_of_each_engine(found):
    blocks = list(why.blocks(found, split(found)))
    place = next(number for number, block in enumerate(blocks) if isinstance(block, Picture))
    said, table = blocks[place + 1 : place + 3]
    assert "calls and products were raced, and the passes are the rest" in said.words
    assert table.headings == ["engine", "a step", "calls", "passes", "products", "parts are"]
    assert table.lines[1] == ["full_matrix", "100 us", "20.0 us", "30.0 us", "50.0 us", "measured"]
    assert [line[0] for line in table.lines] == list(SHARES)


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
    assert told.startswith("Why: From per_sample to full_matrix 220 us of calls and 70.0 us of products go (measured).")


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
