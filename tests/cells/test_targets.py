"""Targets by the head that is to learn them: what is made of y, and the one line where it does not fit."""

import numpy as np
import pytest

from backprop import InputError
from backprop.functions import HEADS
from bench.cells import datasets, targets

RNG = np.random.default_rng(0)
X, LABELS = RNG.random((50, 4)), np.arange(50) % 3
NUMBERS = RNG.normal(size=(50, 2))
SHARES = RNG.dirichlet([1, 1, 1], size=50)


def read(tmp_path, y, head):
    np.savez(tmp_path / "mine.npz", x=X, y=y)
    return datasets.read(str(tmp_path / "mine.npz"), "float64", head)


@pytest.mark.parametrize("head", [head for head in HEADS.values() if head.for_classes], ids=lambda head: head.name)
@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(float), LABELS[:, None], LABELS.astype(np.uint8)])
def test_labels_are_high_in_their_column_and_low_in_the_others(tmp_path, labels, head):
    data = read(tmp_path, labels, head.name)
    assert (data.n_out, data.of_classes, data.measure) == (3, True, "accuracy")
    assert set(np.unique(data.y_train)) == {head.low, head.high}
    assert sorted(np.concatenate([data.y_train, data.y_test]).argmax(axis=1)) == sorted(LABELS)


@pytest.mark.parametrize("y", [NUMBERS, NUMBERS[:, :1], NUMBERS[:, 0], NUMBERS.astype("float32")])
def test_numbers_are_what_they_are_in_any_number_of_columns(tmp_path, y):
    data = read(tmp_path, y, "identity-quadratic")
    assert (data.n_out, data.of_classes, data.measure) == (y.shape[1] if y.ndim == 2 else 1, False, "cost")
    assert sorted(np.concatenate([data.y_train, data.y_test])[:, 0]) == sorted(y.reshape(50, -1)[:, 0])
    assert data.remarks == ()


@pytest.mark.parametrize(
    ("y", "head", "of_classes"),
    [
        (SHARES, "softmax-cross-entropy", False),
        (np.eye(3)[LABELS], "softmax-cross-entropy", True),
        (np.eye(3)[LABELS], "sigmoid-quadratic", True),
        (2 * np.eye(3)[LABELS] - 1, "tanh-quadratic", True),
        (np.eye(3)[LABELS], "tanh-quadratic", False),
        (RNG.integers(0, 2, (50, 3)), "sigmoid-cross-entropy", False),
        (np.abs(NUMBERS), "relu-quadratic", False),
        (np.eye(3)[LABELS], "identity-quadratic", False),
    ],
)
def test_targets_are_classes_where_each_row_tells_one(tmp_path, y, head, of_classes):
    data = read(tmp_path, y, head)
    assert data.of_classes is of_classes
    assert data.measure == ("accuracy" if of_classes else "cost")


@pytest.mark.parametrize(
    ("y", "head", "message"),
    [
        (LABELS, "identity-quadratic", "holds class labels, .* for classes name one of sigmoid-quadratic, "),
        (LABELS > 1, "relu-quadratic", "holds class labels, .* name one of .*softmax-cross-entropy"),
        (
            NUMBERS,
            "softmax-cross-entropy",
            r"values in 0..1, not -.*: for numbers as they are name --head identity-quadr",
        ),
        (NUMBERS, "tanh-quadratic", r"values in -1..1, not -.* name --head identity-quadratic, or save x=x, y=y / "),
        (NUMBERS[:, 0], "softmax-cross-entropy", "whole numbers 0, 1, 2, .* or --head identity-quadratic"),
        (NUMBERS, "relu-quadratic", "must be 0 or more for relu-quadratic, .* name --head identity-quadratic"),
        (
            SHARES / 2,
            "softmax-cross-entropy",
            r"row \d+ sums to 0.5: for numbers as they are name --head identity-quadratic, or save x=x, "
            r"y=y / y.sum\(axis=1, keepdims=True\)",
        ),
        (9 * SHARES, "softmax-cross-entropy", r"row \d+ sums to 9: .* y=y / y.sum\(axis=1, keepdims=True\)"),
        (np.sign(LABELS)[:, None] * SHARES, "softmax-cross-entropy", "row 0 sums to 0: .* identity-quadratic$"),
        (np.where(np.arange(50) == 7, 0.9, 1)[:, None] * SHARES, "softmax-cross-entropy", "row 7 sums to 0.9"),
    ],
)
def test_what_does_not_fit_is_told_with_the_head_that_does(tmp_path, y, head, message):
    with pytest.raises(InputError, match=message) as refusal:
        read(tmp_path, y, head)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("y", "head"),
    [
        (NUMBERS, "sigmoid-quadratic"),
        (NUMBERS, "sigmoid-cross-entropy"),
        (NUMBERS, "tanh-quadratic"),
        (2 * np.eye(3)[LABELS] - 1, "sigmoid-quadratic"),
        (9 * SHARES, "sigmoid-quadratic"),
        (9 * SHARES, "softmax-cross-entropy"),
        (SHARES.astype("float32") / 2, "softmax-cross-entropy"),
        (np.eye(3, dtype=int)[LABELS] * 4, "softmax-cross-entropy"),
    ],
)
def test_the_cure_that_is_told_makes_it_fit(tmp_path, y, head):
    with pytest.raises(InputError) as refusal:
        read(tmp_path, y, head)
    cured = eval(str(refusal.value).partition(", y=")[2], {"np": np, "y": y})
    assert read(tmp_path, cured, head).n_out == y.shape[1]


@pytest.mark.parametrize("head", ["identity-quadratic", "relu-quadratic"])
def test_our_own_data_are_classes(head):
    with pytest.raises(InputError, match="digits: y holds class labels"):
        datasets.read("digits", "float64", head)


def test_shares_in_single_precision_sum_to_one_well_enough(tmp_path):
    assert read(tmp_path, SHARES.astype("float32"), "softmax-cross-entropy").n_out == 3


def test_numbers_that_look_like_classes_get_a_word(tmp_path):
    (remark,) = read(tmp_path, LABELS.astype(float), "identity-quadratic").remarks
    assert "takes them for amounts; if they are classes, name one of" in remark


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("head", HEADS.values(), ids=lambda head: head.name)
def test_random_targets_fit_their_head(head, outputs):
    y = targets.random(head, 200, outputs, np.random.default_rng(0))
    assert y.shape == (200, outputs)
    assert head.low <= y.min() < y.max() <= head.high or (outputs == 1 and head.shares)
    if head.shares:
        np.testing.assert_array_equal(y.sum(axis=1), 1) if outputs > 1 else None
    assert targets.are_classes(y, head) == (head.of_classes and outputs > 1)
