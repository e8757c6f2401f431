"""Training of networks of other functions: test cost, a cost to reach, who can't, and what diverges."""

import numpy as np
import pytest
from stand_ins import Clock, made, paced

from backprop import Engine, InputError, load
from bench.cells import datasets
from bench.cells.cell import Cell
from bench.cells.datasets import Dataset
from bench.records import training_record
from bench.timing import to_accuracy
from bench.timing.to_accuracy import Goal
from bench.timing.training import able, train

FullMatrix = load("full_matrix")
CLASSES = Cell((64, 10, 10), 10, data="digits", hidden="relu", head="softmax-cross-entropy")
NUMBERS = Cell((4, 6, 2), 10, data="numbers", hidden="tanh", head="identity-quadratic")


@pytest.fixture(scope="module")
def numbers():
    x = np.random.default_rng(0).random((200, 4))
    y = np.stack([x.sum(axis=1), x[:, 0] - x[:, 1]], axis=1)
    return Dataset("numbers", x[:150], y[:150], x[150:], y[150:], of_classes=False)


def test_engines_of_a_network_of_classes_learn_alike():
    field = [made(name, load(name)) for name in ("per_sample", "full_matrix", "fused")]
    epochs = list(train(field, CLASSES, datasets.read("digits", "float64", CLASSES.head), eta=0.3, epochs=6, seed=0))
    for epoch in epochs:
        assert len(set(epoch.scores.values())) == 1
    assert epochs[-1].scores["fused"] > 0.85


def test_the_score_of_numbers_is_the_test_cost(numbers):
    field = [made("a", FullMatrix)]
    epochs = list(train(field, NUMBERS, numbers, eta=0.1, epochs=30, seed=0))
    costs = [epoch.scores["a"] for epoch in epochs]
    assert costs[0] > 3 * costs[-1] > 0
    learned = FullMatrix(NUMBERS.network(np.random.default_rng(0)))
    assert learned.network().mean_cost(numbers.x_test, numbers.y_test) > costs[0]


def test_a_cost_is_reached_where_it_is_so_low_and_recorded(numbers, tmp_path):
    clock = Clock()
    field = [paced(clock, "slow", 5e-3), paced(clock, "fast", 1e-3)]
    goal = Goal(0.05, 50, 0.1, "cost")
    (found,) = to_accuracy.run(field, [NUMBERS], numbers, goal=goal, seeds=[0], clock=clock)
    slow, fast = found.engines
    assert slow.reached == fast.reached == len(fast.scores)
    assert fast.scores[-1] <= 0.05 < min(fast.scores[:-1])
    assert slow.seconds_to_target == pytest.approx(5 * fast.seconds_to_target)
    training_record.store.append(tmp_path, found, training_record.FILE)
    (again,), _ = training_record.load(tmp_path)
    assert (again.schema, again.measure, again.target, again.cell) == (2, "cost", 0.05, NUMBERS)
    assert again.engines == found.engines


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        (Goal(0.5, 1, 0.1), "the targets of numbers are no classes: name --to-cost for --to-accuracy"),
        (Goal(0.0, 1, 0.1, "cost"), "--to-cost must be a number above 0, such as 0.1, not 0"),
        (Goal(float("nan"), 1, 0.1, "cost"), "--to-cost must be a number above 0"),
    ],
)
def test_a_goal_that_is_none_of_these_data_is_refused(goal, message, numbers):
    with pytest.raises(InputError, match=message):
        to_accuracy.run([], [NUMBERS], numbers, goal=goal, seeds=[0])


def test_a_cost_is_no_goal_for_classes():
    digits = datasets.read("digits", "float64", CLASSES.head)
    with pytest.raises(InputError, match="the targets of digits are classes: name --to-accuracy for --to-cost"):
        to_accuracy.run([], [CLASSES], digits, goal=Goal(0.5, 1, 0.1, "cost"), seeds=[0])


class KnowsNoFunctions(FullMatrix):
    handles = Engine.handles


class KnowsLabels(FullMatrix):
    labels_only = True


def test_who_cannot_train_the_network_is_left_out_with_the_reason(numbers):
    field = [made("mine", KnowsNoFunctions), made("labels", KnowsLabels), made("full_matrix", FullMatrix)]
    able_ones, left_out = able(field, NUMBERS, numbers)
    assert [one.name for one in able_ones] == ["full_matrix"]
    assert left_out == [
        "mine is left out: it can't train this network: it has no `handles` that says it knows other functions than "
        "the sigmoid",
        "labels is left out: it can't train this network: it learns classes alone, and the targets of numbers are none",
    ]
    with pytest.raises(InputError, match="no engine is left to train: mine is left out"):
        able(field[:2], NUMBERS, numbers)


def test_a_training_that_diverges_says_so(numbers):
    cell = Cell((4, 6, 2), 10, data="numbers", hidden="identity", head="identity-quadratic")
    with pytest.raises(InputError, match=r"the training by a has diverged in epoch 1, with 30 as .* a smaller --eta"):
        list(train([made("a", FullMatrix)], cell, numbers, eta=30.0, epochs=2, seed=0))
