"""The published claims as they lie in the package: whole, told by somebody, and of engines that there are."""

import re

import pytest
from claims_made import claim as made_claim

from backprop import InputError, names
from bench.claims.claim import PartialCell, Side, named, published
from bench.claims.plan import plan
from bench.claims.ways import WAYS

EVERY = published()


@pytest.mark.parametrize("claim", EVERY, ids=lambda claim: claim.name)
def test_a_claim_is_told_by_somebody_in_figures_and_can_be_raced(claim):
    assert re.fullmatch(r"[a-z0-9-]+", claim.name)
    assert all((claim.title, claim.who, claim.said, claim.unit, claim.compared, claim.setting))
    assert len(claim.title) <= 50, "a line of a table"
    assert claim.where.startswith("https://") or claim.where.startswith("http://") or claim.name == "source"
    assert claim.span is None or 1 <= claim.span[0] <= claim.span[1]
    assert claim.span is None or re.search(r"\d|factor of two|difference", claim.said)
    comparisons = list(claim.comparisons())
    assert comparisons
    for _, slow, fast in comparisons:
        assert any({slow.engine, fast.engine} <= known for known in (set(WAYS), set(names())))
        assert slow != fast
        assert slow.cell.threads == fast.cell.threads, "they are raced by the same cores"


def test_names_are_distinct_and_races_are_shared():
    assert len({claim.name for claim in EVERY}) == len(EVERY)
    made = plan(named(["nielsen,reader", "source"]))
    assert [cell.batch for cell in made.races if cell.sizes == (784, 30, 10)] == [10, 1, 3, 30, 100]
    assert all([one.engine for one in race] == ["per_sample", "full_matrix"] for race in made.races.values())


def test_one_engine_at_several_batch_sizes_is_one_race():
    made = plan(named(["numpy-tutorial"]))
    ((cell, contestants),) = made.races.items()
    assert [one.cell.batch for one in contestants] == [1, 10, 100]
    (job,) = made.jobs(4.0)
    assert (job.cell, [one.batch for one in job.cells]) == (cell, [1, 10, 100])
    assert [entry.name for entry in job.entries] == ["full_matrix", "full_matrix#2", "full_matrix#3"]


def test_an_unknown_claim_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="unknown claim 'nielson': did you mean nielsen\\? there are nielsen, reader"):
        named(["source", "nielson"])


def test_engines_and_ways_never_share_a_race():
    square = PartialCell(sizes="70-70", batch=70, head="identity-quadratic")
    ways = made_claim(name="ways", cell=square, slow=Side(engine="columns"), fast=Side(engine="whole"))
    for both in ([ways, made_claim(cell=square)], [made_claim(cell=square), ways]):
        with pytest.raises(InputError, match=f"claim {both[1].name}: at 70-70-b70.* would share a race"):
            plan(both)


def test_a_claim_over_two_axes_is_refused():
    with pytest.raises(InputError, match="claim mine is over sizes and batch: it can be over one of them only"):
        made_claim(over={"sizes": ["784-30-10", "784-100-10"], "batch": [1, 10]})
