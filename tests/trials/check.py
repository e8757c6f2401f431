"""Can the check be trusted?  Right engines on random networks, and wrong engines that it was not made with.

    python tests/trials/check.py [--networks 2000] [--compiled 25]

Checks every engine that can be had here, and the README's, on random networks: depth 1 to 6, widths 1 to 300, batch 1
to 32, both dtypes; engines that compile for seconds, for each shape or depth anew, on the first few of them only. Then
the wrong engines of check_wrong.py, written when the check was done, over several sizes, batches and both dtypes.
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
from check_wrong import WRONG, FewDigits

from backprop import GradientError, InputError, Network, load, names
from backprop.check import verify
from bench.cells.entry import resolve

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
