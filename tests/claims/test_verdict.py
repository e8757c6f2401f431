"""The word for a claim, by records in which the factor is known."""

import msgspec
import pytest
from claims_made import claim, record_of, records_of

from bench.claims import table
from bench.claims.claim import PartialCell, Side
from bench.claims.figure import draw, finding
from bench.claims.verdict import outcome, verdict

NO_DIFFERENCE = claim(factor=1.0)
OVER = claim(cell=PartialCell(sizes="784-30-10"), over={"batch": [1, 10, 100]})


@pytest.mark.parametrize(
    ("claimed", "factor", "word"),
    [
        (5.0, 5.0, "holds"),
        (5.0, 6.2, "holds"),
        (5.0, 6.6, "larger here"),
        (5.0, 4.1, "holds"),
        (5.0, 3.8, "smaller here"),
        ((2.0, 4.0), 3.0, "holds"),
        ((2.0, 4.0), 1.7, "holds"),
        ((2.0, 4.0), 5.5, "larger here"),
        (1.0, 1.15, "holds"),
        (1.0, 0.7, "smaller here"),
        (1.0, 2.0, "larger here"),
    ],
)
def test_a_claim_is_met_within_its_tolerance_or_not(claimed, factor, word):
    told = claim(factor=claimed)
    judged = verdict(told, records_of(told, factor))
    assert judged.word == word
    (point,) = judged.points
    assert point.factor.low < factor < point.factor.high
    assert point.factor.value == pytest.approx(factor)


def test_an_interval_that_only_touches_the_tolerance_can_not_tell():
    (told,) = records_of(claim(), 5.6, spread=0.15)
    unsure = verdict(claim(factor=5.0), [told])
    (point,) = unsure.points
    assert 5 < point.factor.low < 6.25 < 6.5 < point.factor.value
    assert unsure.word == "can't tell"
    assert verdict(claim(factor=5.6), [told]).word == "holds"
    assert verdict(claim(factor=5.0), records_of(claim(), point.factor.value)).word == "larger here"


@pytest.mark.parametrize(("claimed", "factor", "word"), [(5.0, 4.0, "can't tell"), (1.0, 0.6, "can't tell"),
                                                         (1.0, 1.5, "larger here")])  # fmt: skip
def test_an_interval_wider_than_the_tolerance_can_tell_only_what_is_far_from_it(claimed, factor, word):
    told = claim(factor=claimed)
    assert verdict(told, records_of(told, factor, spread=0.5)).word == word


@pytest.mark.parametrize(
    ("factors", "word", "between"),
    [
        ((5.0, 5.1, 4.9), "holds", ""),
        ((1.0, 5.0, 5.5), "depends", "holds at batch 10, 100"),
        ((1.0, 5.0, 20.0), "depends", "holds at batch 10"),
        ((1.0, 2.0, 20.0), "depends", "between batch 10 and 100"),
        ((1.0, 2.0, 3.0), "smaller here", ""),
    ],
)
def test_over_batch_sizes_it_may_depend(factors, word, between):
    judged = verdict(OVER, records_of(OVER, *factors))
    assert (judged.word, judged.between) == (word, between)
    assert [point.place for point in judged.points] == ["batch 1", "batch 10", "batch 100"]
    assert table.here(judged).count("(") == 2, "both ends have their intervals"


def test_a_place_that_cannot_tell_leaves_it_open_unless_the_others_differ():
    every = list(OVER.comparisons())
    told = {factor: [record_of(one, factor) for one in every] for factor in (1.0, 20.0)}
    wide = record_of(every[1], 4.0, spread=0.5)
    assert verdict(OVER, [told[1.0][0], wide, told[1.0][2]]).word == "can't tell"
    judged = verdict(OVER, [told[1.0][0], wide, told[20.0][2]])
    assert (judged.word, judged.between) == ("depends", "between batch 1 and 100")


def test_batch_sizes_are_compared_by_the_sample_and_in_one_record():
    told = claim(
        slow=Side(engine="full_matrix", batch=1),
        fast=Side(engine="full_matrix", batch=60),
        cell=PartialCell(sizes="784-500-10"),
        factor=15.9,
    )
    (comparison,) = told.comparisons()
    judged = verdict(told, [record_of(comparison, 15.9)])
    assert judged.word == "holds"
    assert judged.points[0].factor.value == pytest.approx(15.9)
    other = claim(cell=PartialCell(sizes="784-30-10", batch=1))
    assert verdict(told, records_of(other, 15.9)).why == "it was not raced"


def test_places_without_a_time_are_told_beside_the_word():
    first, _, last = records_of(OVER, 5.0, 5.0, 5.0)
    slow, fast = last.contestants
    last = msgspec.structs.replace(last, contestants=[msgspec.structs.replace(slow, seconds=[], left_out="slow"), fast])
    judged = verdict(OVER, [first, last])
    assert [point.place for point in judged.points] == ["batch 1"]
    assert (judged.missing, judged.why) == (["batch 10", "batch 100"], "it was not raced; per_sample: slow")
    assert table.told(judged) == "holds (batch 10, 100 left out)"
    assert finding([judged]) == "Of 1 published claim, 1 holds, 1 was raced in part"


def test_without_a_figure_it_is_not_judged_and_what_has_no_time_is_left_out_with_the_reason():
    judged = verdict(claim(factor=None), records_of(claim(), 3.0))
    assert (judged.word, judged.points[0].factor.value) == ("not judged", pytest.approx(3.0))
    assert finding([judged]) == "No claim that can be judged was raced"
    (record,) = records_of(claim(), 3.0)
    lost = msgspec.structs.replace(record.contestants[0], seconds=[], left_out="too slow: a step takes a day")
    record = msgspec.structs.replace(record, contestants=[lost, record.contestants[1]])
    judged = verdict(claim(), [record])
    assert (judged.word, judged.why) == ("left out", "per_sample: too slow: a step takes a day")
    assert verdict(claim(), [record], "needs two cores").why == "needs two cores"


def test_the_line_of_a_race_names_who_failed_and_why():
    (record,) = records_of(claim(), 4.0)
    assert outcome([claim()], record) == "mine 4x"
    lost = msgspec.structs.replace(record.contestants[0], seconds=[], left_out="it raised", failed=True)
    slow = msgspec.structs.replace(record.contestants[1], seconds=[], left_out="too slow")
    record = msgspec.structs.replace(record, contestants=[lost, record.contestants[1]])
    assert outcome([claim()], record) == "per_sample FAILED: it raised"
    record = msgspec.structs.replace(record, contestants=[lost, slow])
    assert outcome([claim()], record) == "per_sample FAILED: it raised, full_matrix left out: too slow"


def test_what_is_not_what_was_said_is_told_beside_it_and_if_it_is_another_question_not_judged():
    judged = verdict(claim(otherwise="one thread here, 16 there"), records_of(claim(), 5.0))
    assert judged.word == "holds"
    assert table.here(judged).endswith("x); one thread here, 16 there")
    beside = verdict(claim(unlike="no gradient was taken there"), records_of(claim(), 5.0))
    assert beside.word == "not judged"
    assert table.here(beside).endswith("x); no gradient was taken there")
    assert finding([judged, beside]) == "Of 1 published claim, 1 holds"


def test_the_picture_has_the_whole_interval_and_its_finding_as_a_title_where_it_stands_alone():
    judged = verdict(claim(factor=1.0), records_of(claim(), 1.0, spread=1.0))
    alone, in_page = draw([judged], "a machine"), draw([judged])
    low, high = alone.axes[0].get_xlim()
    (point,) = judged.points
    assert low < point.factor.low
    assert high > point.factor.high > 1.6 * point.factor.value, "far from what was found"
    assert alone.get_suptitle() == finding([judged])
    assert not in_page.get_suptitle()
