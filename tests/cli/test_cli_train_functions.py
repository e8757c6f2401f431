"""`train` of networks of other functions, as it is called."""

import numpy as np
import pytest
from stand_ins import engine_file

RNG = np.random.default_rng(0)
X = RNG.random((60, 4))
NUMBERS = ["--head", "identity-quadratic", "--hidden", "tanh"]
SHARES = ["--head", "softmax-cross-entropy"]


@pytest.fixture
def data(tmp_path):
    def write(y, x=X):
        np.savez(tmp_path / "mine.npz", x=x, y=y)
        return ("train", "--data", tmp_path / "mine.npz")

    return write


def test_classes_by_the_rate_of_their_head_and_an_engine_that_cannot_is_left_out(call, tmp_path):
    plain = engine_file(
        tmp_path / "plain.py", "    @classmethod\n    def handles(cls, network):\n        return 'it is of sigmoids'\n"
    )
    engines = ("--engines", f"full_matrix,{plain}")
    status, out, err = call("train", "--data", "digits", "--hidden", "relu", *SHARES, "--epochs", 1, *engines)
    assert status == 0
    assert "full_matrix: " in out
    assert "an epoch, test accuracy" in out
    assert "plain.py is left out: it can't train this network: it is of sigmoids" in " ".join(err.split())


@pytest.mark.usefixtures("undrawn")
def test_a_cost_to_reach_for_numbers(call, data, tmp_path):
    asked = (*data(X[:, :2] + X[:, 2:]), *NUMBERS, "--batch", "5,10", "--engines", "per_sample,full_matrix")
    status, out, err = call(*asked, "--to-cost", 0.05, "--seeds", 1, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "time to a test cost of 0.05 on " in " ".join(out.split())
    assert "seed 0, batch 5, eta 0.05: per_sample" in out
    status, out, _ = call("report", tmp_path / "out")
    assert status == 0
    assert (tmp_path / "out" / "cost-by-seconds.svg").exists()
    page = (tmp_path / "out" / "report.md").read_text()
    assert "cost-by-seconds.png" in page
    assert "accuracy-by-seconds" not in page
    assert "--hidden tanh --head identity-quadratic" in page
    assert "--to-cost 0.05" in page


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (np.arange(60) % 3, NUMBERS, "for classes name one of sigmoid-quadratic"),
        (X * 9, SHARES, "for numbers as they are name --head identity-quadratic"),
        (X / 9, SHARES, "must be probabilities that sum to 1"),
        (X, ["--head", "softmax"], "unknown head 'softmax': did you mean softmax-cross-entropy?"),
        (X, ["--hidden", "softmax"], "softmax goes on top only: hidden layers take"),
        (X, ["--hidden", "Relu"], "unknown activation 'Relu': did you mean relu?"),
        (X, [*NUMBERS, "--to-accuracy", 0.9], "are no classes: name --to-cost for --to-accuracy"),
        (np.arange(60) % 3, ["--to-cost", 0.1], "are classes: name --to-accuracy for --to-cost"),
        (X, [*NUMBERS, "--to-cost", 0.1, "--to-accuracy", 0.9], "two goals: name one"),
        (X, [*NUMBERS, "--seeds", 3], "--seeds goes with --to-cost only: add, say, --to-cost 0.1"),
        (X, ["--head", "identity-quadratic", "--hidden", "identity", "--eta", 1e9], "name a smaller --eta"),
    ],
)
def test_bad_input_is_a_line(call, data, y, options, message):
    status, out, err = call(*data(y), *options)
    assert status == 2
    assert message in " ".join(err.split())
    assert err.count("backprop-bench:") == 1
    assert "Traceback" not in out + err
