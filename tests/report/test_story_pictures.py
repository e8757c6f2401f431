"""The two pictures of the story: the answer over batch sizes, and what each change removed and added."""

import matplotlib.patches
import pytest
from examples import LADDER, make_ladder_record
from matplotlib.figure import Figure
from test_why import SHARES, split

from bench.analysis import ladder, speedup_frame
from bench.report.figures import factor_by_batch, removed


def drawn(panel):
    axes = Figure().subplots()
    panel.draw(axes)
    return axes


def words(axes):
    return [text.get_text() for text in (*axes.texts, *axes.get_legend().get_texts())]


def panel_of(engines=LADDER, **kept):
    record = make_ladder_record(noise=0.0, engines=engines)
    rows = split([record])
    return removed.panel(ladder.headline([record]), rows[rows["engine"].isin(kept.get("known", SHARES))])


def test_what_goes_and_what_comes_stand_on_the_bars_which_end_where_the_largest_does():
    panel = panel_of()
    assert panel.finding == "per_sample to fused: 10.0x as fast, and where that comes from"
    axes = drawn(panel)
    told = words(axes)
    assert {"240 us", "-220 us", "-16.0 us", "faint: gone", "outlined: new"} <= set(told)
    bars = [patch for patch in axes.patches if isinstance(patch, matplotlib.patches.Rectangle)]
    ends = {}
    for bar in bars:
        place = round(bar.get_y() + bar.get_height() / 2)
        ends[place] = max(ends.get(place, 0), bar.get_x() + bar.get_width())
    assert ends == pytest.approx({0: 1.0, 1: 1.0, 2: 1.0, 3: 1.1}), "8 us of calls come to the 80 us of in_place"
    assert axes.get_xlim()[1] == pytest.approx(1.1)


def test_where_no_difference_was_resolved_the_picture_has_nothing_that_goes_or_comes():
    axes = drawn(panel_of({"per_sample": (40.0, None), "full_matrix": (40.0, "per_sample")}))
    assert not [told for told in words(axes) if told[:1] in "+-"]
    assert {"outlined: new", "end of the step before"}.isdisjoint(words(axes))


def test_products_of_two_that_send_the_batch_through_at_once_neither_go_nor_come_in_it():
    record = make_ladder_record(noise=0.0, engines={name: LADDER[name] for name in ("full_matrix", "in_place")})
    rows = split([record], at_once=["full_matrix", "in_place"])
    rows.loc[rows["engine"] == "in_place", ["calls_share", "passes_share", "products_share"]] = (0.15, 0.2, 0.65)
    axes = drawn(removed.panel(ladder.headline([record]), rows))
    assert "52.0 us" in words(axes), "of 50 us before: what differs is no new piece"
    assert {"outlined: new", "end of the step before"}.isdisjoint(words(axes))


def test_where_nothing_comes_the_picture_has_no_word_of_it():
    engines = {name: LADDER[name] for name in ("per_sample", "full_matrix")}
    assert "outlined: new" not in words(drawn(panel_of(engines)))


def test_where_the_first_is_the_fastest_it_promises_no_reason():
    engines = {"per_sample": (40.0, None), "full_matrix": (50.0, "per_sample")}
    assert panel_of(engines).finding == "nothing on the ladder is faster than per_sample here"


def test_of_one_rung_whose_parts_are_known_there_is_no_picture():
    assert panel_of(known=["per_sample"]) is None


def test_the_answer_over_batch_sizes_has_its_ends_in_words_and_a_curve_for_each_engine():
    found = [make_ladder_record(batch, noise=0.0) for batch in (1, 10, 100)]
    rows = speedup_frame.frame(found)
    panel = factor_by_batch.panel(found, rows)
    assert panel.finding == "full_matrix: 4.00x at batch 1, 4.00x at batch 100"
    assert panel.setting == "784-30-10; float64; BLAS threads: 1"
    told = [text.get_text() for text in drawn(panel).texts]
    assert [name for name in LADDER if name in told] == [name for name in LADDER if name != "per_sample"]
    assert factor_by_batch.panel(found[:1], speedup_frame.frame(found[:1])) is None
