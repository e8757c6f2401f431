"""Data sets as the project and a user bring them: what is taken, and what is told of what is not."""

import re

import numpy as np
import pytest

from backprop import InputError
from bench.cells import datasets


def write(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_digits_are_scaled_split_and_one_hot():
    digits = datasets.read("digits", "float32")
    assert (digits.n_in, digits.n_out) == (64, 10)
    assert len(digits.x_train) == 1437
    assert len(digits.x_test) == 360
    assert digits.x_train.dtype == digits.y_train.dtype == np.float32
    assert digits.x_train.min() == 0
    assert digits.x_train.max() == 1
    np.testing.assert_array_equal(digits.y_train.sum(axis=1), 1)
    assert digits.x_train.flags.c_contiguous


def test_labels_become_targets_in_their_own_column(tmp_path):
    path = write(tmp_path / "mine.npz", x=np.arange(20.0).reshape(10, 2), y=np.arange(10) % 3)
    loaded = datasets.read(path)
    assert (loaded.n_in, loaded.n_out, len(loaded.x_train), len(loaded.x_test)) == (2, 3, 8, 2)
    for x, y in zip(loaded.x_train, loaded.y_train, strict=True):
        assert y.argmax() == (x[0] / 2) % 3


def test_targets_are_taken_as_they_are(tmp_path):
    targets = np.linspace(0, 1, 20).reshape(10, 2)
    loaded = datasets.read(write(tmp_path / "soft.npz", x=np.ones((10, 3)), y=targets))
    assert sorted(np.concatenate([loaded.y_train, loaded.y_test])[:, 0]) == sorted(targets[:, 0])


x, y = np.ones((10, 3)), np.arange(10) % 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": x}, "no array y"),
        ({"a": x}, "no array x and no array y"),
        ({"x": np.full((10, 3), np.nan), "y": y}, "x holds NaN"),
        ({"x": x, "y": np.where(y, np.inf, 0)}, "y holds NaN or infinity"),
        ({"x": x[0], "y": y}, r"x must be \(samples, inputs\)"),
        ({"x": np.ones((10, 0)), "y": y}, r"x must be \(samples, inputs\)"),
        ({"x": x, "y": y[:9]}, "y must be labels"),
        ({"x": x, "y": np.ones((10, 2, 2))}, "y must be labels"),
        ({"x": x, "y": y - 1}, "whole numbers"),
        ({"x": x, "y": y + 0.5}, "whole numbers"),
        ({"x": x, "y": y * 0}, "two classes"),
        ({"x": x, "y": y > 5}, "two classes or more: every one is 0"),
        ({"x": x, "y": y * 10**9}, "whole numbers 0, 1, 2"),
        ({"x": x, "y": np.ones((10, 1))}, "two classes or more: every one is 1"),
        ({"x": x, "y": y[:, None] / 2}, "whole numbers .* not such as 0.5; targets have two columns"),
        ({"x": x, "y": np.full((10, 2), 2.0)}, "values in 0..1"),
        ({"x": x[:4], "y": y[:4]}, "at least 5 samples"),
        ({"x": x.astype(str), "y": y}, "x must be numbers"),
        ({"x": np.array([{}] * 10), "y": y}, "pickled objects are not loaded"),
    ],
)
def test_a_bad_npz_is_refused(tmp_path, arrays, message):
    with pytest.raises(InputError, match=message):
        datasets.read(write(tmp_path / "bad.npz", **arrays))


@pytest.mark.parametrize(("name", "message"), [("mnist", "unknown data 'mnist'"), ("none.npz", "does not exist")])
def test_unknown_data_say_what_there_is(name, message):
    with pytest.raises(InputError, match=message) as refusal:
        datasets.read(name)
    assert "mnist5k, digits" in str(refusal.value)


rng = np.random.default_rng(0)
images, labels = rng.integers(0, 256, (600, 28, 28), np.uint8), rng.integers(0, 10, 600)
rows = images.reshape(600, -1) / 255
AS_THEY_ARE = "for numbers as they are name --head identity-quadratic, or save x=x, "
CLASSES = "np.unique(y, return_inverse=True)[1]"
classes = np.eye(10)[labels]
records = np.zeros(600, [("a", float), ("b", float)])


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        (
            {"x_train": images, "y_train": labels, "x_test": images[:100], "y_test": labels[:100]},
            "no array x and no array y: it has x_train (600, 28, 28) uint8, y_train (600,) int64, x_test (100, 28, 28) "
            "uint8, y_test (100,) int64: save x=x_train.reshape(600, -1) / 255, y=y_train",
        ),
        ({"X": rows, "y": labels}, "no array x: it has X (600, 784) float64, y (600,) int64: save x=X, y=y"),
        ({"x": rows, "labels": labels}, "labels (600,) int64: save x=x, y=labels"),
        (
            {"val_images": images, "train_images": images, "val_labels": labels, "train_labels": labels[:, None]},
            "save x=train_images.reshape(600, -1) / 255, y=train_labels",
        ),
        ({"arr_0": rows, "arr_1": labels}, "save x=arr_0, y=arr_1"),
        ({"data": rows, "target": labels.astype(str)}, "save x=data, y=np.unique(target, return_inverse=True)[1]"),
        ({"X": rows.T, "Y": labels[None]}, "save x=X.T, y=Y.ravel()"),  # samples in columns
        ({"X": rows.T, "Y": classes.T}, "save x=X.T, y=Y.T"),
        ({"a": rows[0]}, "it has a (784,) float64, and needs x (samples, inputs) and y, labels"),
        ({f"a{i}": rows[0] for i in range(20)}, "a7 (784,) float64, and 12 more, and needs"),
        ({"x": images, "y": labels}, "be (samples, inputs), not (600, 28, 28): save x=x.reshape(600, -1) / 255, y=y"),
        ({"x": images[..., None] / 255, "y": labels}, "not (600, 28, 28, 1): save x=x.reshape(600, -1), y=y"),
        ({"x": np.moveaxis(images, 0, -1), "y": labels}, "not (28, 28, 600): save x=x.reshape(-1, 600).T / 255, y=y"),
        ({"x": rows.T, "y": labels}, "not (784, 600): save x=x.T, y=y"),
        ({"x": rows[:, 0], "y": labels}, "not (600,): save x=x.reshape(600, -1), y=y"),
        ({"x": rows, "y": labels[None]}, "not (1, 600): save x=x, y=y.ravel()"),
        ({"x": rows, "y": labels[:, None, None]}, "not (600, 1, 1): save x=x, y=y.ravel()"),
        ({"x": rows, "y": classes.T}, "not (10, 600): save x=x, y=y.T"),
        ({"x": rows, "y": labels.astype(str)}, "y must be numbers, not <U21: save x=x, y=" + CLASSES),
        ({"x": rows, "y": labels.astype("S2")}, "y must be numbers, not |S2: save x=x, y=" + CLASSES),
        (
            {"x": rows, "y": labels.astype(object)},
            "y holds Python objects, and pickled objects are not loaded: save x=x, "
            "y=np.unique(y.astype(str), return_inverse=True)[1]",
        ),
        ({"x": rows.astype(object), "y": labels}, "pickled objects are not loaded: save x=x.astype(float), y=y"),
        ({"x": rows + 0j, "y": labels}, "x must be numbers, not complex128: save x=x.real, y=y"),
        ({"x": np.round(rows).astype("M8[s]"), "y": labels}, "not datetime64[s]: save x=x.astype(float), y=y"),
        ({"x": records, "y": labels}, "save x=np.array(x.tolist()), y=y"),
        ({"x": rows, "y": np.where(labels > 4, 1, -1)}, "not -1 to 1: save x=x, y=" + CLASSES),
        ({"x": rows, "y": 2 * classes - 1}, "values in 0..1, not -1 to 1: " + AS_THEY_ARE + "y=(y + 1) / 2"),
        ({"x": rows, "y": 255 * classes}, "values in 0..1, not 0 to 255: " + AS_THEY_ARE + "y=y / 255"),
        ({"x": np.where(rows > 0.999, np.nan, rows), "y": labels}, "with keep = np.isfinite(x).all(axis=1), save x=x"),
        ({"x": rows * 1e300, "y": labels}, "1e+300, too much for sums of products in float64: save x=x / 1e+300"),
    ],
)  # fmt: skip
def test_what_is_there_is_named_with_the_expression_that_makes_it_fit(tmp_path, arrays, told):
    with pytest.raises(InputError) as refusal:
        datasets.read(write(tmp_path / "mine.npz", **arrays))
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)
    if "save x=" in told:  # and it does
        made = str(refusal.value).partition("save ")[2]
        keep = np.isfinite(arrays["x"].astype(float)).all(axis=1) if "keep" in made else None
        fitting = eval(f"dict({made})", {"np": np, "keep": keep, **arrays})
        assert datasets.read(write(tmp_path / "fits.npz", **fitting)).n_out > 1


def test_values_beyond_the_range_of_the_dtype_are_the_datas_fault(tmp_path):
    path = write(tmp_path / "large.npz", x=rows * 1e30, y=labels)
    assert datasets.read(path).n_in == 784
    with pytest.raises(InputError, match=r"x reaches 1e\+30, too much for sums of products in float32"):
        datasets.read(path, "float32")


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (rows, labels[:, None]),
        (np.asfortranarray(rows), np.asfortranarray(classes)),
        (rows.astype(">f4"), labels.astype(">i4")),
        (rows.astype(np.float16), labels.astype(np.uint8)),
        (rows.astype(np.longdouble), labels.astype(float)),
        (rows > 0.5, labels > 4),
        (rows, classes.astype(bool)),
        (np.round(rows).astype(np.uint64), labels.astype(np.uint64)),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_every_kind_and_order_become_rows_of_the_dtype_without_a_word(tmp_path, x, y, dtype):
    loaded = datasets.read(write(tmp_path / "kinds.npz", x=x, y=y), dtype)
    for array in (loaded.x_train, loaded.y_train, loaded.x_test, loaded.y_test):
        assert array.dtype == np.dtype(dtype)
        assert array.dtype.isnative
        assert array.flags.c_contiguous
    order = np.random.default_rng(datasets.SPLIT_SEED).permutation(600)
    np.testing.assert_array_equal(np.vstack([loaded.x_train, loaded.x_test]), x[order].astype(dtype))
    given = y.ravel() if y.shape[-1] == 1 else y
    targets = given if given.ndim == 2 else np.eye(int(given.max()) + 1)[given.astype(int)]
    np.testing.assert_array_equal(np.vstack([loaded.y_train, loaded.y_test]), targets[order])
    assert loaded.remarks == ()


@pytest.mark.parametrize(
    ("x", "y", "remark"),
    [
        (images.reshape(600, -1), labels, "x goes from 0 to 255: units saturate, or steps are too long; divide by 255"),
        (rows * 255, labels, "x goes from 0 to 255: units saturate, or steps are too long; divide by 255"),
        (images.reshape(600, -1).view(np.int8), labels, r"x goes from -128 to 127: .* save x=x.view\(np.uint8\) / 255"),
        (np.round(rows * 16), labels, "x goes from 0 to 16: units saturate, or steps are too long; divide by 16"),
        (rows * 2000 - 1000, labels, r"x goes from -1000 to 1000: .* save x=\(x - x.mean\(\)\) / x.std\(\), y=y"),
        (rows, np.where(labels == 0, 10, labels), "labels y go from 1 to 10, and class 0 never occurs: .* y=y - 1"),
        (rows, labels * 2, "labels y go from 0 to 18, and classes 1, 3, 5, 7, 9, ... never occur: .* y=np.unique"),
        (rows, np.where(labels == 3, 4, labels), "labels y go from 0 to 9, and class 3 never occurs"),
        (rows, np.eye(2)[np.zeros(600, int)], "the largest target of every row of y is in one column"),
    ],
)  # fmt: skip
def test_what_is_hardly_meant_gets_a_word(tmp_path, x, y, remark):
    (told,) = datasets.read(write(tmp_path / "odd.npz", x=x, y=y)).remarks
    assert re.match(remark, told)


@pytest.mark.parametrize("name", ["digits", "mnist5k"])
def test_our_own_data_need_no_word(name):
    assert datasets.read(name).remarks == ()
