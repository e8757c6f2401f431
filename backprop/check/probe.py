"""A network and samples made for the check: nothing cancels in their gradient, and all of them matters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..network import Array, Network


def probe(sizes: Sequence[int], samples: int, dtype: npt.DTypeLike) -> tuple[Network, Array, Array]:
    """A network of these layer sizes, with x (samples, n_in) and y (samples, n_out): always the same ones.

    Inputs and weights are positive, and every target lies above what the network answers: so all terms of the
    gradient have one sign in every layer, and its rounding errors stay as small beside it as they can be, at any
    depth. The biases are such that no layer saturates; the weights so large that the error reaches the first layer.
    Samples differ in brightness, and no two targets are the same: whoever mixes them up, leaves one out or knows
    only zeros and ones goes astray. Fixed, so that a refusal can be had again.
    """
    rng = np.random.default_rng(0)
    weights: list[Array] = []
    biases: list[Array] = []
    typical = 0.4  # what goes into a layer, in the mean: the inputs, then activations
    for n_in, n_out in pairwise(sizes):
        w = rng.uniform(1, 4, (n_out, n_in)) / n_in
        own = rng.uniform(0.3, 1.0, n_out) * rng.choice([-1, 1], n_out)
        weights.append(w)
        biases.append(own - typical * w.sum(axis=1))
        typical = 0.5
    weights[-1] /= 2
    biases[-1] = own - 3.5
    x = rng.uniform(0.4, 1.0, (samples, 1)) * rng.uniform(0.1, 1.0, (samples, sizes[0]))
    levels = rng.permutation(samples * sizes[-1]).reshape(samples, sizes[-1])
    y = 0.6 + 0.4 * (levels + 0.5) / levels.size
    network = Network(tuple(w.astype(dtype) for w in weights), tuple(b.astype(dtype) for b in biases))
    return network, x.astype(dtype), y.astype(dtype)
