"""`backprop-bench train`: epochs side by side, a user's arrays, and how soon a target is met."""

import warnings

import numpy as np
import pytest
from stand_ins import engine_file

from bench.records import training_record


@pytest.mark.parametrize("option", ["--engines", "--compare"])
def test_train_ends_with_accuracy_and_factor(call, option):
    options = ("--data", "digits", "--epochs", 2, "--seed", 1)
    status, out, _ = call("train", option, "per_sample,full_matrix", *options)
    assert status == 0
    lines = out.splitlines()
    assert lines[0].split() == ["epoch", "per_sample", "accuracy", "full_matrix", "accuracy"]
    assert lines[-1].startswith("full_matrix: ")
    assert lines[-1].endswith("x as fast as per_sample")
    assert lines[-1].split("accuracy ")[1][:6] == lines[-2].split("accuracy ")[1][:6]
    status, out, _ = call("train", "--engine", "per_sample", *options)
    assert status == 0
    assert out.splitlines()[-1].split("accuracy ")[1] == lines[-2].split("accuracy ")[1]


def test_train_on_a_users_arrays(call, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.random((200, 6))
    np.savez(tmp_path / "mine.npz", x=x, y=(x[:, 0] > 0.5).astype(int))
    status, out, _ = call("train", "--data", tmp_path / "mine.npz", "--epochs", 1, "--dtype", "float32")
    assert status == 0
    assert "an epoch, test accuracy" in out


def test_train_has_one_word_for_unscaled_pixels_and_no_warnings_of_the_engines(call, tmp_path):
    body = "    def step(self, x, y, eta):\n        x * 1e300 * 1e300\n        super().step(x, y, eta)\n"
    overflows = engine_file(tmp_path / "overflows.py", body)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "raw.npz", x=rng.integers(0, 256, (200, 6), np.uint8), y=rng.integers(0, 2, 200))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        status, out, err = call("train", "--data", tmp_path / "raw.npz", "--engines", overflows, "--epochs", 1)
    assert status == 0
    assert err.count("\n") == 1
    assert err.startswith(
        f"backprop-bench: warning: {tmp_path / 'raw.npz'}: x goes from 0 to 255: units saturate, or steps are too long"
    )
    assert "test accuracy" in " ".join(out.split())


TO_ACCURACY = ["train", "--data", "digits", "--to-accuracy"]


@pytest.mark.usefixtures("undrawn")
def test_train_to_accuracy_prints_the_table_and_adds_to_the_records(call, tmp_path):
    options = ("--batch", "10,100", "--engines", "per_sample,full_matrix", "--out", tmp_path / "new")
    status, out, err = call(*TO_ACCURACY, 0.8, *options, "--seeds", 2, "--epochs", 20)
    assert (status, err) == (0, "")
    assert "seed 1, batch 100, eta 3: per_sample" in out
    assert "full_matrix is fastest at batch 10" in out
    assert "as fast as per_sample's best" in out
    status, out, _ = call(*TO_ACCURACY, 1, *options, "--seeds", 1, "--seed", 7, "--epochs", 1)
    assert status == 0
    assert "new training records are added to the 4 in" in " ".join(out.split())
    assert out.count("not within 1") >= 4
    found, _ = training_record.load(tmp_path / "new")
    assert [(each.seed, each.cell.batch) for each in found] == [(0, 10), (0, 100), (1, 10), (1, 100), (7, 10), (7, 100)]
    assert [pool.threads for each in found for pool in each.environment.blas] == [1] * len(found) * 2
    status, out, _ = call("report", tmp_path / "new")
    assert status == 0
    assert (tmp_path / "new" / "accuracy-by-seconds-2.svg").exists()  # another target is another picture
