"""The cost model: prices found again, unseen cells judged, crossovers where times are equal; `predict` in words."""

import re
from itertools import product

import msgspec
import numpy as np
import pytest
from examples import GRID, LOOP, MATRIX, PEAK, exact, make_measured_record, make_timed_record, split, under
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop import InputError
from bench.analysis import cost_model, crossover, prices, work
from bench.analysis.work import TERMS
from bench.cells import grids
from bench.cells.cell import Cell, make_cell
from bench.records import store
from bench.report.predict import predict
from tests.trials import holdout

price = st.tuples(*(st.floats(0.1, 10).map(lambda factor, one=one: factor * one) for one in (1e-5, 1e-6, 1e-10, 1e-10)))


def found(grid=GRID, noise=0.0, **engines):
    """A record for each cell in which each engine takes what its prices say, but for the noise."""
    rng = np.random.default_rng(0)
    return [
        make_timed_record(
            cell, {name: float(exact(price, cell) * np.exp(noise * rng.normal())) for name, price in engines.items()}
        )
        for cell in grid
    ]


def measured(grid=GRID, **engines):
    """The same, with the parts of each step raced, too."""
    return [make_measured_record(cell, engines) for cell in grid]


def products(counts):
    """Those of the one dtype that a cell has, by the names without it."""
    return {name.rsplit(", ", 1)[0]: count for name, count in counted(work.PRODUCTS, counts).items()}


def counted(part, counts):
    return {term.name: count for term, count in zip(part, counts, strict=True) if count}


def test_the_work_of_a_step_by_hand():
    cell = Cell((4, 3, 2), 5, "float32", hidden="tanh", head="softmax-cross-entropy")
    parameters, sigmoids, tanhs = 4 * 3 + 3 + 3 * 2 + 2, 5 * 2, 5 * 3
    assert counted(work.CALLS, work.of_calls(cell, one_by_one=False)) == {
        "layer": 2,
        "layer of a sample": 10,
        "tanh, hidden": 1,
        "softmax-cross-entropy, top": 1,
    }
    assert counted(work.CALLS, work.of_calls(cell, one_by_one=True))["tanh, hidden"] == 5
    assert products(work.of_products(cell, work.Caches())) == {
        "product of matrices": 5,
        "sample of a product": 25,
        "multiplications and additions": 5 * (2 * 2 * 12 + 3 * 2 * 6),
        "those of idle lanes": 2 * (4 * 3 * 11 + 3 * 2 * 11 + 2 * 3 * 11),  # 5 samples in 16 lanes
        "results": 4 * 5 * (3 + 2 + 3),
        "weights": 4 * (12 + 2 * 6),
    }
    assert products(work.of_products(msgspec.structs.replace(cell, batch=1), work.Caches())) == {
        "product with a vector": 5,
        "unit of a vector": 5,
        "weights times a vector": 4 * (2 * 12 + 3 * 6),
    }
    assert counted(work.PASSES, work.of_passes(cell, work.Caches(), one_by_one=False)) == {
        "parameters": 2 * 4 * parameters,
        "gradient of a sample": 2 * 4 * parameters * 5,
        "products in a slower form": cell.flops,
        "inputs": 4 * 5 * 4,
        "tanh": 2 * 4 * tanhs,
        "sigmoid": 2 * 4 * sigmoids,
    }


@pytest.mark.parametrize("one_by_one", [False, True])
def test_what_is_larger_than_the_cache_is_counted_apart(one_by_one):
    cell = Cell((100, 50, 10), 20)  # 5,560 parameters, 1,200 activations, 2,000 inputs, of 8 bytes
    near, far, between, twice = (
        counted(work.PASSES, work.of_passes(cell, work.Caches(l2_bytes), one_by_one))
        for l2_bytes in (8 * 5560 * 20 * 2, 8 * 1200, 8 * 5560 * 4 // 3, 8 * 5560 * 8 // 3)
    )
    assert not [name for name in near if "beyond" in name]
    assert far["parameters beyond the cache"] == near["parameters"]
    assert far["inputs beyond the cache"] == near["inputs"]
    assert far["gradient of a sample beyond the cache"] == near["gradient of a sample"]
    assert not {"parameters", "inputs", "gradient of a sample"} & set(far)
    assert twice["parameters"] == pytest.approx(twice["parameters beyond the cache"], rel=1e-3)  # beside their gradient
    last = counted(work.PASSES, work.of_passes(cell, work.Caches(8, 8 * 5560), one_by_one))
    assert last["gradient of a sample beyond the last cache"] == near["gradient of a sample"]
    assert "gradient of a sample beyond the cache" not in last
    if one_by_one:  # it forms every gradient in the same memory
        assert between["gradient of a sample"] == pytest.approx(near["gradient of a sample"] / 2, rel=1e-3)
    else:
        assert between["gradient of a sample beyond the cache"] == near["gradient of a sample"]


@settings(max_examples=30, deadline=None)
@given(price)
def test_cells_not_seen_are_predicted_by_their_prices_and_by_each_of_their_parts(price):
    """Where parts were raced, each is found by itself, though all make one sum."""
    (model,) = cost_model.models(measured(engine=price))
    cell = Cell((784, 64, 10), 50)
    assert model.seconds(cell) == pytest.approx(exact(price, cell), rel=0.02)
    assert model.shares(cell) == pytest.approx(split(price, cell), rel=0.05, abs=0.01 * exact(price, cell))
    assert len(model.unseen) == 2 * len(GRID)


@settings(max_examples=30, deadline=None)
@given(price)
def test_without_parts_the_whole_is_predicted(price):
    (model,) = cost_model.models(found(engine=price))
    cell = Cell((784, 64, 10), 50)
    assert model.seconds(cell) == pytest.approx(exact(price, cell), rel=0.05)


@settings(max_examples=30, deadline=None)
@given(price, st.floats(0.1, 100))
def test_a_machine_that_is_slower_by_a_factor_takes_longer_by_it(price, factor):
    (fast,), (slow,) = (cost_model.models(found(engine=tuple(times * one for one in price))) for times in (1.0, factor))
    cell = Cell((784, 64, 10), 50)
    assert slow.seconds(cell) == pytest.approx(factor * fast.seconds(cell), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(price)
def test_shares_add_up_and_none_is_negative(price):
    (model,) = cost_model.models(found(engine=price, noise=0.3))
    for cell in GRID:
        assert min(model.shares(cell)) >= 0
        assert sum(model.shares(cell)) == pytest.approx(model.seconds(cell))


def at_pace(pace, prices):
    """The prices in a race in which the machine was slower by this factor: at all but products."""
    return {
        name: (pace * layer, pace * sample, flop, pace * byte) for name, (layer, sample, flop, byte) in prices.items()
    }


@settings(max_examples=8, deadline=None)
@given(price, st.randoms(use_true_random=False))
def test_prices_are_those_of_the_usual_pace_of_the_machine(price, random):
    """Each race had another; those left out are still predicted by their prices at the pace of the median race."""
    paces = [0.7 + 0.1 * number for number in range(len(GRID))]
    middle = (paces[5] + paces[6]) / 2
    random.shuffle(paces)
    races = [
        make_measured_record(cell, at_pace(pace / middle, {"engine": price, "other": MATRIX}))
        for cell, pace in zip(GRID, paces, strict=True)
    ]
    model, _ = cost_model.models(races)
    cell = Cell((784, 64, 10), 50)
    assert model.shares(cell) == pytest.approx(split(price, cell), rel=0.05, abs=0.02 * exact(price, cell))
    assert model.paces == pytest.approx((min(paces) / middle, max(paces) / middle), rel=0.02)
    assert model.shares(cell, 2.0).calls == pytest.approx(2 * model.shares(cell).calls)
    assert model.shares(cell, 2.0).products == model.shares(cell).products


def test_what_was_raced_without_parts_tells_no_pace():
    (model,) = cost_model.models(found(engine=MATRIX, noise=0.1))
    assert model.paces == (1.0, 1.0)


def test_beyond_a_cache_that_was_not_left_passes_cost_more_as_copies_do():
    """All cells of the grid fit into the second level; who does not do a pass there does not do it further away."""
    small = [Cell((20, width, 10), batch) for width, batch in product((10, 20, 30), (1, 10, 20, 30))]
    price = (1e-5, 0.0, 1e-11, 2 / PEAK.cache_bytes_per_second)
    races = [make_measured_record(cell, {"engine": price}, l2_bytes=1 << 20) for cell in small]
    (model,) = cost_model.models(under(PEAK, *races))
    near, far = (model.price(name) for name in ("parameters", "parameters beyond the cache"))
    steeper = np.sqrt(PEAK.cache_bytes_per_second / PEAK.copy_bytes_per_second)
    assert near == pytest.approx(price[3], rel=0.05)
    assert far == pytest.approx(steeper * near, rel=0.05)
    assert model.price("gradient of a sample beyond the last cache") < 0.01 * near


def test_with_two_threads_a_pass_still_has_the_copy_of_one_core():
    """The peak of two threads is that of both cores' caches together."""
    both = msgspec.structs.replace(PEAK, cache_bytes_per_second=2 * PEAK.cache_bytes_per_second)
    grid = [msgspec.structs.replace(cell, threads=2) for cell in GRID]
    prices = {"engine": (1e-5, 0.0, 1e-11, 0.75 / PEAK.cache_bytes_per_second)}
    (model,) = cost_model.models(under(both, *(make_measured_record(cell, prices) for cell in grid)))
    assert model.at_least
    assert all(model.price(term.name) >= 1 / PEAK.cache_bytes_per_second * (1 - 1e-9) for term in model.at_least)


def test_no_pass_is_quicker_than_a_copy_within_the_cache_and_the_model_says_where():
    """A pass at three quarters of the copy's price is priced at the copy's; at a tenth it is none."""
    copy = 1 / PEAK.cache_bytes_per_second
    for share, at_least in ((2, False), (0.75, True)):
        (model,) = cost_model.models(under(PEAK, *measured(engine=(1e-5, 0.0, 1e-11, share * copy))))
        passes = [
            (term, paid) for term, paid in zip(TERMS, model.prices, strict=True) if term.part == "passes" and paid
        ]
        assert all(paid >= copy * (1 - 1e-9) for term, paid in passes if term.unit == "byte")
        assert bool(model.at_least) == at_least
        assert all(model.price(term.name) == pytest.approx(copy) for term in model.at_least)


def test_a_price_is_the_least_that_there_can_be_or_nothing():
    work_done = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    least = np.array([1.0, 0.0])
    for paid, becomes in ((2.0, 2.0), (0.8, 1.0), (0.3, 0.0)):
        taken = work_done @ [paid, 5.0]
        each, at_least = prices.fitted(work_done, taken, taken, least)
        assert each[0] == pytest.approx(becomes, rel=0.02)
        assert bool(at_least[0]) == (becomes == 1.0)


def test_one_race_that_was_disturbed_bends_no_price():
    work_done, paid = np.random.default_rng(0).random((30, 3)), [3.0, 2.0, 1.0]
    taken = work_done @ paid
    taken[7] *= 3
    each, _ = prices.fitted(work_done, taken, taken, np.zeros(3))
    assert each == pytest.approx(paid, rel=0.01)


def test_products_have_one_price_for_all_engines_and_a_loop_is_told_by_its_calls():
    loop, matrix = cost_model.models(measured(loop=LOOP, matrix=(*MATRIX[:2], LOOP[2], MATRIX[3])))
    of_products = [term.part == "products" for term in TERMS]
    assert np.array(loop.prices)[of_products].tolist() == np.array(matrix.prices)[of_products].tolist()
    assert (loop.one_by_one, matrix.one_by_one) == (True, False)
    assert [model.one_by_one for model in cost_model.models(found(loop=LOOP, matrix=MATRIX))] == [True, False]


def test_a_combination_of_functions_that_was_not_raced_is_predicted_from_its_parts():
    """Each function has a price of its own here; relu was raced under one head, softmax over one activation."""
    calls = {"sigmoid": 1e-6, "relu": 5e-6, "sigmoid-quadratic": 2e-6, "softmax-cross-entropy": 9e-6}

    def taken(cell):
        return exact(MATRIX, cell) + calls[cell.hidden] + calls[cell.head]

    raced = [("sigmoid", "sigmoid-quadratic"), ("relu", "sigmoid-quadratic"), ("sigmoid", "softmax-cross-entropy")]
    grid = [msgspec.structs.replace(cell, hidden=hidden, head=head) for cell in GRID for hidden, head in raced]
    (model,) = cost_model.models([make_timed_record(cell, {"engine": taken(cell)}) for cell in grid])
    new = Cell((784, 30, 10), 10, hidden="relu", head="softmax-cross-entropy")
    assert model.is_of(new.setting_on(model.place.machine))
    assert model.seconds(new) == pytest.approx(taken(new), rel=0.02)
    assert not model.is_of(msgspec.structs.replace(new, hidden="tanh").setting_on(model.place.machine))


def test_the_errors_are_of_predictions_without_the_cell_and_not_of_the_fit():
    """A cell that breaks the rule is missed where it is left out."""
    odd = Cell((784, 30, 10), 300)
    races = found(engine=MATRIX)
    races[GRID.index(odd)] = make_timed_record(odd, {"engine": 3 * exact(MATRIX, odd)})
    (model,) = cost_model.models(races)
    missed = [miss.error for miss in model.unseen if miss.cell == odd]
    assert len(missed) == 2
    assert max(missed) < -0.6
    assert model.worst.cell == odd


def test_the_grid_for_a_model_has_every_function_in_every_dtype():
    cells = grids.cells_of("model", here=False)
    assert len(set(cells)) == len(cells)
    for dtype in grids.BOTH:
        own = [cell for cell in cells if cell.dtype == dtype]
        assert {cell.hidden for cell in own} == set(grids.EVERYWHERE)
        assert {cell.head for cell in own} == set(grids.HEADS)
        assert {cell.batch for cell in own} == {1, 2, 4, 10, 32, 100, 316, 1000}


@settings(max_examples=20, deadline=None)
@given(price, price)
def test_at_the_crossover_both_take_as_long(slow, fast):
    loop, matrix = cost_model.models(found(slow=slow, fast=fast))
    level = crossover.crossover(loop, matrix, GRID[0])
    at = {batch: msgspec.structs.replace(GRID[0], batch=int(batch)) for batch in crossover.BATCHES}
    gains = {batch: loop.seconds(cell) - matrix.seconds(cell) for batch, cell in at.items()}
    if level is None:
        assert gains[crossover.BATCHES[-1]] <= 0
        return
    assert all(gain > 0 for batch, gain in gains.items() if batch > level.value)
    below = [gain for batch, gain in gains.items() if batch <= level.value]
    assert not below or below[-1] <= 1e-9
    assert level.low * (1 - 1e-9) <= level.value <= level.high * (1 + 1e-9)


def test_the_interval_of_a_crossover_widens_with_the_noise():
    spans = []
    for noise in (0.01, 0.1):
        loop, matrix = cost_model.models(found(noise=noise, per_sample=LOOP, full_matrix=MATRIX))
        level = crossover.crossover(loop, matrix, Cell((784, 30, 10), 10))
        assert level.low < level.value < level.high
        spans.append(level.high - level.low)
    assert spans[1] > 3 * spans[0] > 0


def test_an_engine_that_never_wins_has_no_crossover():
    twice = tuple(2 * price for price in LOOP)
    loop, slower = cost_model.models(found(per_sample=LOOP, slower=twice))
    assert crossover.crossover(loop, slower, Cell((784, 30, 10), 10)) is None
    assert crossover.crossover(slower, loop, Cell((784, 30, 10), 10)).value == 0


def test_too_few_cells_make_no_model():
    assert cost_model.models(found(GRID[:7], engine=LOOP)) == []
    assert cost_model.models(found([cell for cell in GRID if cell.batch < 100], engine=LOOP)) == []
    assert cost_model.models(found([Cell((784, 10, 10), batch) for batch in range(1, 20)], engine=LOOP)) == []


def test_threads_and_machines_have_models_of_their_own():
    more = [Cell(cell.sizes, cell.batch, "float32", 2) for cell in GRID]
    races = [*found(engine=LOOP), *found(more, engine=MATRIX)]
    elsewhere = [make_timed_record(cell, {"engine": exact(MATRIX, cell)}, host="abcdef") for cell in GRID]
    models = cost_model.models([*races, *elsewhere])
    assert [model.place.threads for model in models] == [1, 2, 1]
    assert len({model.place.machine for model in models}) == 2
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


def test_held_out_cells_are_those_of_their_seed_and_share_no_size_or_batch_with_a_grid():
    cells = holdout.drawn(7, 40)
    assert cells == holdout.drawn(7, 40) != holdout.drawn(8, 40)
    assert len(set(cells)) == 40
    known = [cell for name in grids.NAMED for cell in grids.cells_of(name, here=False)]
    for part in (lambda cell: {cell.batch}, lambda cell: {cell.sizes[0]}, lambda cell: set(cell.sizes[1:-1])):
        assert not set().union(*map(part, cells)) & set().union(*map(part, known))


def judged(models, found):
    """The line of each engine: its cells."""
    _, _, *lines = holdout.judged(models, found)
    return [line.strip("| ").split(" | ") for line in lines]


def test_the_judge_tells_the_worst_and_each_part_off_by_its_share_of_the_step():
    """The held-out step takes a tenth more than its model, all of it in passes."""
    models = cost_model.models(measured(engine=MATRIX))
    cell = Cell((784, 64, 10), 50)
    passes = split(MATRIX, cell)[2]
    slower = (*MATRIX[:3], MATRIX[3] * (1 + 0.1 * exact(MATRIX, cell) / passes))
    ((engine, cells, middle, worst, where, *at_pace, calls, off, products),) = judged(
        models, measured([cell], engine=slower)
    )
    assert (engine, cells, where) == ("engine", "1", cell.id)
    assert float(middle.rstrip("%")) == pytest.approx(100 * (1 - 1 / 1.1), abs=0.5)
    assert worst == "-9%"
    assert at_pace == [middle, worst]  # no other engine tells the pace
    assert max(float(part.split("%")[0]) for part in (calls, products)) < 1
    assert float(off.split("%")[0]) == pytest.approx(100 * (1 - 1 / 1.1), abs=1)


def test_the_judge_tells_what_is_off_at_the_pace_of_the_race_by_the_other_engines_calls():
    prices = {"first": MATRIX, "second": MATRIX}
    models = cost_model.models(measured(**prices))
    cell = Cell((784, 64, 10), 50)
    for line in judged(models, [make_measured_record(cell, at_pace(1.5, prices))]):
        assert float(line[2].rstrip("%")) > 10
        assert float(line[5].rstrip("%")) < 2
    first, second = judged(models, [make_measured_record(cell, {**prices, "second": at_pace(1.5, prices)["second"]})])
    assert float(first[2].rstrip("%")) < 2 < 10 < float(first[5].rstrip("%"))  # its own calls tell it nothing
    assert float(second[5].rstrip("%")) == pytest.approx(float(second[2].rstrip("%")), abs=0.5)
