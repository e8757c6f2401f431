"""Can the check be trusted?  Right engines on random networks, and wrong engines that it was not made with.

    python tests/trials/check.py [--networks 2000] [--compiled 25]

Checks every engine that can be had here, and the README's, on random networks: depth 1 to 6, widths 1 to 300, batch 1
to 32, both dtypes; engines that compile for seconds, for each shape or depth anew, on the first few of them only. Then
the wrong engines of this file, which were written when the check was done, over several sizes, batches and both dtypes.
Prints how many passed and were refused, and the words; exit status 1 if a right one was refused or a wrong one passed.
FewDigits, the last, shows where the check ends and is not counted: in float32, what it does wrong averages out in some
cells to less than rounding may do.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from backprop import GradientError, InputError, Network, load, names
from backprop.check import verify
from bench.cells.entry import resolve

FullMatrix = load("full_matrix")
LAYERS, WIDTHS, BATCHES = (1, 6), (1, 300), (1, 32)


def problem(rng, dtype):
    """A random network with samples for it, and a batch length; widths are as likely to be small as large."""
    low, high = np.log(WIDTHS[0]), np.log(WIDTHS[1])
    sizes = np.exp(rng.uniform(low, high, rng.integers(LAYERS[0], LAYERS[1] + 1) + 1)).round().astype(int).tolist()
    batch = int(rng.integers(BATCHES[0], BATCHES[1] + 1))
    return samples(sizes, batch, rng, dtype)


def samples(sizes, batch, rng, dtype):
    network = Network.random(sizes, rng, dtype)
    return network, rng.random((batch, sizes[0])).astype(dtype), rng.random((batch, sizes[-1])).astype(dtype), batch


class Own(FullMatrix):
    """A step of its own making, of which each wrong engine changes one thing."""

    def step(self, x, y, eta):
        acts = [self.seen(x)]
        for layer, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            acts.append(self.answer(acts[-1] @ w.T + self.bias(layer, b[:, 0])))
        delta = self.error(acts[-1], y) * acts[-1] * (1 - acts[-1]) / len(x)
        for layer in reversed(range(len(self.weights))):
            below = delta @ self.weights[layer]
            self.update(layer, eta, delta.T @ acts[layer], self.sum_up(delta)[:, None])
            delta = below * self.slope(acts[layer])

    def seen(self, x):
        return x

    def bias(self, layer, b):
        return b

    def answer(self, z):
        return 1 / (1 + np.exp(-z))

    def slope(self, a):
        return a * (1 - a)

    def error(self, a, y):
        return a - y

    def sum_up(self, delta):
        return delta.sum(axis=0)

    def update(self, layer, eta, grad_w, grad_b):
        self.weights[layer] -= (eta * grad_w).astype(grad_w.dtype)
        self.biases[layer] -= (eta * grad_b).astype(grad_b.dtype)


class SlopeOfTanh(Own):
    def slope(self, a):
        return 1 - a**2


class ClipsTheError(Own):
    """To half a unit."""

    def error(self, a, y):
        return np.clip(a - y, -0.5, 0.5)


class SigmoidByTable(Own):
    """The nearest of a thousand values."""

    table = 1 / (1 + np.exp(-np.linspace(-8, 8, 1001)))

    def answer(self, z):
        return self.table[np.clip((z + 8) * (1000 / 16) + 0.5, 0, 1000).astype(int)].astype(z.dtype)


class TopWithoutBias(Own):
    def bias(self, layer, b):
        return b if layer < len(self.weights) - 1 else 0 * b


class BiasesOfOneSample(Own):
    def sum_up(self, delta):
        return delta[-1] * len(delta)


class CentresItsInputs(Own):
    def seen(self, x):
        return x - x.mean(axis=0)


class CapsEta(Own):
    def update(self, layer, eta, grad_w, grad_b):
        super().update(layer, min(eta, 1.0), grad_w, grad_b)


class ClipsTheGradient(Own):
    """To a norm of a thousandth, layer by layer."""

    def update(self, layer, eta, grad_w, grad_b):
        norm = float(np.linalg.norm(grad_w))
        super().update(layer, eta * min(1.0, 1e-3 / norm) if norm else eta, grad_w, grad_b)


class Averages(FullMatrix):
    """network() tells a running mean of the parameters."""

    mean = None

    def step(self, x, y, eta):
        if self.mean is None:
            self.mean = super().network()
        super().step(x, y, eta)
        blocks = [
            [(m + n) / 2 for m, n in zip(old, new, strict=True)]
            for old, new in (
                (self.mean.weights, super().network().weights),
                (self.mean.biases, super().network().biases),
            )
        ]
        self.mean = Network(*blocks)

    def network(self):
        return self.mean.copy() if self.mean else super().network()


class StepsBehind(FullMatrix):
    """Half of this mini-batch's step and half of the last one's."""

    last = None

    def step(self, x, y, eta):
        super().step(x, y, eta / 2)
        super().step(*(self.last or (x, y)), eta / 2)
        self.last = x.copy(), y.copy()


class EveryFifthTwice(FullMatrix):
    count = 0

    def step(self, x, y, eta):
        self.count += 1
        super().step(x, y, eta if self.count % 5 else 2 * eta)


class BlocksOfFour(FullMatrix):
    """What is left over of the mini-batch is left out, unless it is all."""

    def step(self, x, y, eta):
        whole = len(x) // 4 * 4 or len(x) - 1 or 1
        super().step(x[:whole], y[:whole], eta)


class FewDigits(FullMatrix):
    """Products of the first layer with its weights rounded to the next coarser precision."""

    def step(self, x, y, eta):
        own = self.weights[0]
        coarse = own.astype(np.float16 if own.dtype == np.float32 else np.float32).astype(own.dtype)
        self.weights[0] = coarse.copy()
        super().step(x, y, eta)
        self.weights[0] = own + (self.weights[0] - coarse)


class OrderOfTargets(FullMatrix):
    """Targets sorted along the mini-batch, each output for itself."""

    def step(self, x, y, eta):
        super().step(x, np.sort(y, axis=0), eta)


WRONG = [
    SlopeOfTanh, ClipsTheError, SigmoidByTable, TopWithoutBias, BiasesOfOneSample, CentresItsInputs, CapsEta,
    ClipsTheGradient, Averages, StepsBehind, EveryFifthTwice, BlocksOfFour, OrderOfTargets, FewDigits,
]  # fmt: skip
SIZES = [(5, 4, 1), (8, 4, 2), (64, 30, 10), (20, 16, 12, 8, 3)]


def right_engines():
    """Each that can be had here, by name, and the README's."""
    found = {}
    for name in names():
        try:
            found[name] = load(name)
        except InputError as error:
            print(f"{name}: left out, {error}")
    text = (Path(__file__).parents[2] / "backprop" / "README.md").read_text()
    source = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "class Mine" in block)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mine.py"
        path.write_text(source)
        found["README's mine.py"] = resolve([str(path)])[0].make
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=2000)
    parser.add_argument("--compiled", type=int, default=25, help="Of them, for engines that compile for seconds.")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bad = 0
    for name, make in right_engines().items():
        rng = np.random.default_rng(options.seed)
        count = options.compiled if getattr(make, "compiles", False) else options.networks
        refused = []
        for number in range(count):
            network, x, y, batch = problem(rng, ("float32", "float64")[number % 2])
            try:
                verify(make, network, x, y, batch)
            except GradientError as error:
                refused.append(f"  {network.sizes} {network.dtype} batch {batch}: {error}")
        print(f"{name}: {count - len(refused)} passed, {len(refused)} refused", *refused[:5], sep="\n", flush=True)
        bad += len(refused)
    for wrong in WRONG:
        passed, words = [], ""
        for sizes, batch, dtype in ((s, b, d) for s in SIZES for b in (1, 2, 3, 10) for d in ("float32", "float64")):
            try:
                with np.errstate(all="ignore"):
                    verify(wrong, *samples(sizes, batch, np.random.default_rng(options.seed), dtype))
                passed.append(f"  passed: {sizes} {dtype} batch {batch}")
            except GradientError as error:
                words = words if (sizes, dtype) != ((8, 4, 2), "float32") else str(error)
        print(f"{wrong.__name__}: {32 - len(passed)} of 32 refused, such as: {words}", *passed, sep="\n", flush=True)
        bad += len(passed) if wrong is not FewDigits else 0
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
