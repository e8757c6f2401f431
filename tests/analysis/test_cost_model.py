"""The cost model: prices found again, unseen cells judged, crossovers where times are equal; `predict` in words."""

import re

import numpy as np
import pytest
from examples import GRID, LOOP, MATRIX, exact, make_timed_record
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop import InputError
from bench.analysis import cost_model, crossover
from bench.cells.cell import Cell, make_cell
from bench.records import store
from bench.report.predict import predict

prices = st.tuples(
    *(st.floats(0.1, 10).map(lambda factor, price=price: factor * price) for price in (1e-5, 1e-6, 1e-10, 1e-10))
)


def found(grid=GRID, noise=0.0, **engines):
    """A record for each cell in which each engine takes what its prices say, but for the noise."""
    rng = np.random.default_rng(0)
    return [
        make_timed_record(
            cell, {name: float(exact(price, cell) * np.exp(noise * rng.normal())) for name, price in engines.items()}
        )
        for cell in grid
    ]


def test_the_counts_of_a_step_by_hand():
    counts = cost_model.counts(Cell((4, 3, 2), 5, "float32"))
    parameters = 4 * 3 + 3 + 3 * 2 + 2
    assert counts == (2, 10, 5 * (2 * 2 * 12 + 3 * 2 * 6), 4 * (5 * (4 + 8 * 5) + 4 * parameters))


def test_an_array_too_large_for_the_cache_counts_twice():
    cell = Cell((100, 50, 10), 20)  # 5,560 parameters, 1,200 activations, 2,000 inputs, of 8 bytes
    near = cost_model.counts(cell, 2 * 8 * 5560)
    assert near == cost_model.counts(cell)
    assert cost_model.counts(cell, 2 * 8 * 5560 - 1).bytes - near.bytes == 8 * 4 * 5560
    assert cost_model.counts(cell, 2 * 8 * 2000 - 1).bytes - near.bytes == 8 * (4 * 5560 + 2000)
    assert cost_model.counts(cell, 1).bytes == 2 * near.bytes
    assert cost_model.counts(cell, 1)[:3] == near[:3]


@pytest.mark.parametrize(("price", "one_by_one"), [(LOOP, True), (MATRIX, False)])
def test_a_loops_products_cost_twice_beyond_the_cache_and_a_matrixs_do_not(price, one_by_one):
    """The fit tells by the price of a sample, also where it has seen no network that is too large."""
    l2_bytes = 2 * 8 * 50_000  # 784-100-10 does not fit
    large = Cell((784, 100, 10), 10)
    races = [
        make_timed_record(
            cell, {"e": float(np.dot(price, cost_model.counts(cell, l2_bytes, one_by_one)))}, l2_bytes=l2_bytes
        )
        for cell in GRID
    ]
    (model,) = cost_model.models(races)
    assert model.one_by_one == one_by_one
    assert model.prices == pytest.approx(price, rel=1e-3)
    assert max(abs(miss.error) for miss in model.unseen if miss.cell.sizes == large.sizes) < 0.01
    plain = cost_model.counts(large).flops
    assert cost_model.counts(large, l2_bytes, one_by_one).flops == (2 if one_by_one else 1) * plain
    assert cost_model.counts(GRID[0], l2_bytes, one_by_one).flops == GRID[0].flops


@settings(max_examples=30, deadline=None)
@given(prices)
def test_prices_are_found_again_and_cells_not_seen_are_predicted(price):
    (model,) = cost_model.models(found(engine=price))
    assert model.prices == pytest.approx(price, rel=1e-3)
    assert len(model.unseen) == 2 * len(GRID)
    assert abs(model.worst.error) < 1e-3
    assert model.seconds(Cell((784, 64, 10), 50)) == pytest.approx(exact(price, Cell((784, 64, 10), 50)), rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(prices)
def test_shares_add_up_and_none_is_negative(price):
    (model,) = cost_model.models(found(engine=price, noise=0.3))
    for cell in GRID:
        assert min(model.shares(cell)) >= 0
        assert sum(model.shares(cell)) == pytest.approx(model.seconds(cell))


def test_the_errors_are_of_predictions_without_the_cell_and_not_of_the_fit():
    """A cell that breaks the rule is missed where it is left out, more than where it pulls the fit its way."""
    odd = Cell((784, 30, 10), 300)
    races = found(engine=MATRIX)
    races[GRID.index(odd)] = make_timed_record(odd, {"engine": 3 * exact(MATRIX, odd)})
    (model,) = cost_model.models(races)
    missed = [miss.error for miss in model.unseen if miss.cell == odd]
    assert len(missed) == 2
    assert max(missed) < -0.6
    assert abs(model.seconds(odd) / (3 * exact(MATRIX, odd)) - 1) < abs(max(missed))


@settings(max_examples=20, deadline=None)
@given(prices, prices)
def test_at_the_crossover_both_take_as_long(slow, fast):
    loop, matrix = cost_model.models(found(slow=slow, fast=fast))
    level = crossover.crossover(loop, matrix, (784, 30, 10))
    batches = (1, 1_000_000)
    ahead = [exact(fast, Cell((784, 30, 10), batch)) < exact(slow, Cell((784, 30, 10), batch)) for batch in batches]
    if level is None:
        assert not ahead[1]
    elif level.value > 1:
        whole = Cell((784, 30, 10), int(level.value)), Cell((784, 30, 10), int(level.value) + 1)
        gaps = [exact(slow, cell) - exact(fast, cell) for cell in whole]
        assert gaps[0] <= 1e-6 * exact(slow, whole[0])
        assert gaps[1] >= -1e-6 * exact(slow, whole[1])
        assert level.low * (1 - 1e-9) <= level.value <= level.high * (1 + 1e-9)
    else:
        assert ahead[1]


def test_the_interval_of_a_crossover_widens_with_the_noise():
    spans = []
    for noise in (0.01, 0.1):
        loop, matrix = cost_model.models(found(noise=noise, per_sample=LOOP, full_matrix=MATRIX))
        level = crossover.crossover(loop, matrix, (784, 30, 10))
        assert level.low < level.value < level.high
        spans.append(level.high - level.low)
    assert spans[1] > 3 * spans[0] > 0


def test_an_engine_that_never_wins_has_no_crossover():
    twice = tuple(2 * price for price in LOOP)
    loop, slower = cost_model.models(found(per_sample=LOOP, slower=twice))
    assert crossover.crossover(loop, slower, (784, 30, 10)) is None
    assert crossover.crossover(slower, loop, (784, 30, 10)).value == 0


def test_too_few_cells_make_no_model():
    assert cost_model.models(found(GRID[:7], engine=LOOP)) == []
    assert cost_model.models(found([cell for cell in GRID if cell.batch < 100], engine=LOOP)) == []
    assert cost_model.models(found([Cell((784, 10, 10), batch) for batch in range(1, 20)], engine=LOOP)) == []


def test_settings_and_machines_have_models_of_their_own():
    more = [Cell(cell.sizes, cell.batch, "float32", 2) for cell in GRID]
    races = [*found(engine=LOOP), *found(more, engine=MATRIX)]
    elsewhere = [make_timed_record(cell, {"engine": exact(MATRIX, cell)}, host="abcdef") for cell in GRID]
    models = cost_model.models([*races, *elsewhere])
    assert [(model.setting.dtype, model.setting.threads) for model in models] == [
        ("float64", 1),
        ("float32", 2),
        ("float64", 1),
    ]
    assert len({model.setting.machine for model in models}) == 2
    assert [model.seconds(GRID[0]) for model in models[::2]] == pytest.approx(
        [exact(LOOP, GRID[0]), exact(MATRIX, GRID[0])]
    )


@pytest.fixture
def folder(tmp_path):
    for record in found(noise=0.05, per_sample=LOOP, full_matrix=MATRIX):
        store.append(tmp_path, record)
    return tmp_path


def told(parts):
    return [part if isinstance(part, str) else list(zip(*part.lines, strict=True)) for part in parts]


def test_predict_tells_a_step_its_speedup_and_its_shares(folder):
    cell = make_cell("784-50-10", 64, "float64", 1)
    _, machine, _, (engines, steps, speedups, *shares, typical, worst), _, crossing, *_ = told(predict(folder, cell))
    assert "Test CPU" in machine
    assert engines == ("per_sample", "full_matrix")
    assert steps[0].endswith("ms")
    assert 0.9 < float(speedups[1][:-1]) / (exact(LOOP, cell) / exact(MATRIX, cell)) < 1.1
    assert all(98 <= sum(int(share[:-1]) for share in column) <= 102 for column in zip(*shares, strict=True))
    assert all(column[0].endswith("%") for column in (typical, worst))
    one, two = (exact(MATRIX, Cell((784, 50, 10), batch)) - exact(LOOP, Cell((784, 50, 10), batch)) for batch in (1, 2))
    level = re.fullmatch(
        r"By the cost model .* a batch of (.*) \(95 % interval .* to .*\): it pays from batch \d+ on\.", crossing
    )
    assert float(level[1]) == pytest.approx((2 * one - two) / (one - two), rel=0.2)


def test_predict_says_where_it_goes_beyond_the_grid(folder):
    beyond = [part for part in predict(folder, make_cell("784-50-10", 5000, "float64", 1)) if "beyond" in str(part)]
    assert len(beyond) == 1
    assert not any("beyond" in str(part) for part in predict(folder, make_cell("784-50-10", 64, "float64", 1)))


def test_predict_refuses_what_was_not_timed(folder, tmp_path_factory):
    with pytest.raises(InputError, match="no timings for a model of float32 with threads 1; it has: float64"):
        list(predict(folder, make_cell("784-50-10", 64, "float32", 1)))
    few = tmp_path_factory.mktemp("few")
    store.append(few, make_timed_record(GRID[0], {"per_sample": 1.0}))
    with pytest.raises(InputError, match="too few for a cost model: it takes an engine timed in 8 cells"):
        list(predict(few, GRID[0]))
