"""What functions cost: a step in floors of its own race against that of the default functions."""

import msgspec
import pytest
from examples import ENVIRONMENT, LADDER, make_ladder_record

from bench.analysis.functions_cost import comparisons, in_floors

SOFTMAX = "softmax-cross-entropy"


def slower(by, but=(), **cell):
    """A record of the ladder, all of it so much slower, the floor too; of those in `but` (engine: factor) in itself."""
    engines = {name: (by * micros * dict(but).get(name, 1.0), after) for name, (micros, after) in LADDER.items()}
    return make_ladder_record(engines=engines, floor=2.5 * by, **cell)


def only(found):
    (one,) = comparisons(found)
    return one


def test_a_machine_that_got_slower_between_the_races_is_no_cost_of_functions():
    default, relu = slower(1.0), slower(1.4, {"fused": 0.8}, hidden="relu")
    one = only([relu, default])
    assert one.reference == default
    for engine in LADDER:
        cost, true = one.cost(relu, engine), 0.8 if engine == "fused" else 1.0
        assert cost.low < true < cost.high
        assert cost.value == pytest.approx(true, rel=0.01)
        assert cost.high / cost.low < 1.1
    assert in_floors(default, "fused").value == pytest.approx(4.0 / 2.5, rel=0.01)


def test_rungs_come_in_the_order_of_the_ladder_and_the_others_after_them():
    one = only([slower(1.0), slower(1.0, hidden="tanh")])
    assert one.engines == list(LADDER)
    turned = {name: LADDER[name] for name in reversed(LADDER)}
    rungs = only([make_ladder_record(engines=turned, hidden=hidden) for hidden in ("relu", "tanh")]).engines
    assert rungs == ["per_sample", "full_matrix", "in_place", "fused", "jax_jit", "torch_eager"]


def test_only_cells_that_differ_in_functions_alone_are_compared():
    elsewhere = msgspec.structs.replace(ENVIRONMENT, cpu="Other CPU")
    default, relu = slower(1.0), slower(1.0, hidden="relu")
    for other in (
        slower(1.0, batch=30, hidden="relu"),
        slower(1.0, width="100", hidden="relu"),
        slower(1.0, dtype="float32", hidden="relu"),
        slower(1.0, threads=2, hidden="relu"),
        slower(1.0, data="mnist5k", hidden="relu"),
        msgspec.structs.replace(relu, environment=elsewhere),
        msgspec.structs.replace(relu, floor=None),
    ):
        assert list(comparisons([default, other])) == []
    assert len(list(comparisons([default, relu, slower(1.0, batch=30), slower(1.0, batch=30, head=SOFTMAX)]))) == 2


def test_without_the_default_functions_the_first_ones_are_compared_with():
    relu, tanh = slower(1.0, hidden="relu"), slower(1.0, {"fused": 1.5}, hidden="tanh")
    one = only([relu, tanh])
    assert one.reference == relu
    assert one.cost(tanh, "fused").value == pytest.approx(1.5, rel=0.01)


def test_an_engine_that_was_left_out_has_no_cost():
    few = {name: LADDER[name] for name in LADDER if name != "jax_jit"}
    default, relu = make_ladder_record(engines=few), slower(1.0, hidden="relu")
    one = only([default, relu])
    assert "jax_jit" in one.engines
    assert one.cost(relu, "jax_jit") is None
    assert in_floors(default, "jax_jit") is None
    assert in_floors(relu, "jax_jit").value == pytest.approx(12 / 2.5, rel=0.01)
