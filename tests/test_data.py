"""Data sets: digits in 0..1 with one-hot targets, and a user's .npz judged before it is used."""

import numpy as np
import pytest

from backprop import InputError, data


def write(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_digits_are_scaled_split_and_one_hot():
    digits = data.load("digits", "float32")
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
    loaded = data.load(path)
    assert (loaded.n_in, loaded.n_out, len(loaded.x_train), len(loaded.x_test)) == (2, 3, 8, 2)
    for x, y in zip(loaded.x_train, loaded.y_train, strict=True):
        assert y.argmax() == (x[0] / 2) % 3


def test_targets_are_taken_as_they_are(tmp_path):
    targets = np.linspace(0, 1, 20).reshape(10, 2)
    loaded = data.load(write(tmp_path / "soft.npz", x=np.ones((10, 3)), y=targets))
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
        ({"x": x, "y": y * 10**9}, "whole numbers 0, 1, 2"),
        ({"x": x, "y": np.ones((10, 1))}, "two columns"),
        ({"x": x, "y": np.full((10, 2), 2.0)}, "values in 0..1"),
        ({"x": x[:4], "y": y[:4]}, "at least 5 samples"),
        ({"x": x.astype(str), "y": y}, "x must be numbers"),
        ({"x": np.array([{}] * 10), "y": y}, "pickled objects are not loaded"),
    ],
)
def test_a_bad_npz_is_refused(tmp_path, arrays, message):
    with pytest.raises(InputError, match=message):
        data.load(write(tmp_path / "bad.npz", **arrays))


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="can't be read as"):
        data.load(str(path))


def test_a_plain_npy_or_pickle_under_that_name_is_refused(tmp_path):
    path = tmp_path / "bad.npz"
    with path.open("wb") as file:
        np.save(file, x)
    with pytest.raises(InputError, match="can't be read as"):
        data.load(str(path))
    path.write_bytes(b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94K\x01a.")
    with pytest.raises(InputError, match="can't be read as"):
        data.load(str(path))


@pytest.mark.parametrize(("name", "message"), [("mnist", "unknown data 'mnist'"), ("none.npz", "does not exist")])
def test_unknown_data_say_what_there_is(name, message):
    with pytest.raises(InputError, match=message) as refusal:
        data.load(name)
    assert "mnist5k, digits" in str(refusal.value)
