"""Can the check be trusted?  Right engines on random networks, and wrong engines that it was not made with.

    python tests/trials/check.py [ENGINE ...] [--networks 2400] [--compiled 48]

Checks every engine that can be had here (or those named), and the README's, on random networks: depth 1 to 6, widths 1
to 300, batch 1 to 32, both dtypes, each hidden activation and head in turn; engines that compile for seconds, for each
network anew, on the first few of them only. Prints how many passed and were refused, the words, and as a table how near
the worst error came to what rounding may leave. Then the wrong engines of check_wrong.py, written when the check was
done, over several sizes, batches, all heads and both dtypes. Exit status 1 if a right one was refused or a wrong one
passed. FewDigits, the last, shows where the check ends and is not counted: in float32, what it does wrong averages out
in some cells to less than rounding may do.
"""

from __future__ import annotations

import argparse
import re
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from backprop import GradientError, InputError, names
from backprop.check import verify
from backprop.check.gradient import tolerance
from backprop.functions import EVERYWHERE, HEADS
from bench.cells.entry import resolve

sys.path.append(str(Path(__file__).parents[1]))  # where the tests' own networks are
from check_wrong import WRONG, FewDigits
from networks import COMBINATIONS, network_of, samples_for

LAYERS, WIDTHS, BATCHES = (1, 6), (1, 300), (1, 32)
SIZES = [(5, 4, 1), (8, 4, 2), (64, 30, 10), (20, 16, 12, 8, 3)]
DTYPES = ("float32", "float64")


def drawn(rng):
    """Layer sizes, widths as likely small as large, a batch length, and a seed."""
    low, high = np.log(WIDTHS[0]), np.log(WIDTHS[1])
    sizes = np.exp(rng.uniform(low, high, rng.integers(LAYERS[0], LAYERS[1] + 1) + 1)).round().astype(int).tolist()
    return sizes, int(rng.integers(BATCHES[0], BATCHES[1] + 1)), int(rng.integers(2**32))


def right_engines(chosen):
    """An entry for each that can be had here, of those chosen if there are any, and for the README's."""
    text = (Path(__file__).parents[2] / "backprop" / "README.md").read_text()
    source = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "class Mine" in block)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mine.py"
        path.write_text(source)
        for entry in resolve(chosen or [*names(), str(path)]):
            try:
                yield entry, entry.make
            except InputError as error:
                print(f"{entry.name}: left out, {error}")


def try_right(entry, make, count, seed):
    """The worst error by head and dtype, as a share of the tolerance; how many passed, and what was refused."""
    rng = np.random.default_rng(seed)
    worst, passed, refused = {}, 0, []
    for number in range(count):
        sizes, batch, own = drawn(rng)
        (hidden, head), dtype = COMBINATIONS[number // 2 * 7 % len(COMBINATIONS)], DTYPES[number % 2]  # both change
        network = network_of(sizes, dtype, hidden, head, own)
        if entry.handles(network):
            continue
        x, y = samples_for(network, batch + 1, entry.labels_only, own)
        try:
            share = verify(make, network, x, y, batch, entry.labels_only) / tolerance(network, batch)
            worst[head, dtype] = max(worst.get((head, dtype), 0.0), share)
            passed += 1
        except GradientError as error:
            refused.append(f"  {network.sizes} {hidden} {head} {dtype} batch {batch}: {error}")
    return worst, passed, refused


def try_wrong(wrong, seed):
    """How many networks there were, on which of them it passed, and what was said of the last."""
    rng = np.random.default_rng(seed)
    settings, passed, words = list(product(HEADS, SIZES, (1, 2, 3, 10), DTYPES)), [], ""
    for head, sizes, batch, dtype in settings:
        hidden = str(rng.choice(list(EVERYWHERE)))
        network = network_of(sizes, dtype, hidden, head, seed)
        try:
            with np.errstate(all="ignore"):
                verify(wrong, network, *samples_for(network, batch + 1, seed=seed), batch)
            passed.append(f"  passed: {network.sizes} {hidden} {head} {dtype} batch {batch}")
        except GradientError as error:
            words = str(error)
    return len(settings), passed, words


def table(worst):
    """The worst shares of the tolerance, an engine a line, its heads in columns."""
    yield "| of the tolerance, float32 / float64 | " + " | ".join(HEADS) + " |"
    yield "| --- |" + " ---: |" * len(HEADS)
    for name, own in worst.items():
        cells = [" / ".join(f"{own[head, dtype]:.3f}" for dtype in DTYPES if (head, dtype) in own) for head in HEADS]
        yield f"| {name} | {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", metavar="ENGINE")
    parser.add_argument("--networks", type=int, default=2400)
    parser.add_argument("--compiled", type=int, default=48, help="Of them, for engines that compile for seconds.")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bad, shares = 0, {}
    for entry, make in right_engines(options.engines):
        count = options.compiled if getattr(make, "compiles", False) else options.networks
        shares[entry.name], passed, refused = try_right(entry, make, count, options.seed)
        print(f"{entry.name}: {passed} passed, {len(refused)} refused", *refused[:5], sep="\n", flush=True)
        bad += len(refused)
    print("", *table(shares), "", sep="\n", flush=True)
    for wrong in WRONG:
        count, passed, words = try_wrong(wrong, options.seed)
        told = f"{wrong.__name__}: {count - len(passed)} of {count} refused, such as: {words}"
        print(told, *passed[:5], sep="\n", flush=True)
        bad += len(passed) if wrong is not FewDigits else 0
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
