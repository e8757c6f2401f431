"""A network and samples made for the check: nothing cancels in their gradient, and all of them matters."""

from __future__ import annotations

import numpy as np

from ..functions import Head
from ..network import Array, Network

REACH = 0.45  # by how much z differs between samples at the most, in any layer


def probe(like: Network, samples: int, labels_only: bool = False) -> tuple[Network, Array, Array]:
    """A network of these sizes, functions and dtype, with x (samples, n_in) and y (samples, n_out): always the same.

    Inputs and weights are positive, and every target lies above what the network answers: so all terms of the
    gradient have one sign in every layer, and its rounding errors stay as small beside it as they can be, at any
    depth. (Where targets are shares, one output is answered too low, all others too high; and the weights of that one
    are negative, so that the errors that go down have one sign, too.) The biases are such that no layer saturates, and
    half of the units of a layer have a z below 0 where the activation is then 0 or more. The weights are so large that
    the error reaches the first layer. Samples differ in brightness, and no two targets are the same: whoever mixes
    them up, leaves one out or knows only zeros and ones goes astray. Fixed, so that a refusal can be had again.
    labels_only: targets are classes, of which the first is the most frequent.
    """
    rng = np.random.default_rng(0)
    sizes, head = like.sizes, like.head
    x: Array = rng.uniform(0.4, 1.0, (samples, 1)) * rng.uniform(0.1, 1.0, (samples, sizes[0]))
    a: Array = x
    weights, biases = list[Array](), list[Array]()
    for function, n_in, n_out in zip(like.functions, sizes[:-1], sizes[1:], strict=True):
        w = rng.uniform(1, 4, (n_out, n_in)) / n_in
        z = (a - a.mean(axis=0)) @ w.T
        scale = REACH / max(REACH, float(np.max(np.abs(z))))
        centre: Array = rng.uniform(0.3, 1.0, n_out)
        if not function.damps:  # no bias is to take away what the weights make
            scale = min(scale, float(np.min(centre / (w @ a.mean(axis=0)))))
        top = len(weights) == len(sizes) - 2
        if top:
            scale /= 2
            if head.shares:
                w[0] *= -1
        w, z = scale * w, scale * (a - a.mean(axis=0)) @ w.T
        if top:
            centre = _of_top(head, centre, z)
        elif function.of(np.array(-1.0)) >= 0:
            centre[1:] *= rng.choice([-1, 1], n_out - 1)  # one is never off: something gets through
        weights.append(w)
        biases.append(centre - w @ a.mean(axis=0))
        a = function.of((z + centre).T).T
    y = _labels(head, rng, *a.shape) if labels_only else _above(head, rng, a)
    network = like.like([w.astype(like.dtype) for w in weights], [b.astype(like.dtype) for b in biases])
    return network, x.astype(like.dtype), y.astype(like.dtype)


def _of_top(head: Head, centre: Array, z: Array) -> Array:
    """Where the z of the last layer lie, from numbers in 0.3..1: low in what the head can answer.

    z (samples, n_out) is how they differ from that.
    """
    if head.shares:
        return np.concatenate([[-1.0], centre[1:] / 2])
    if head.low < 0:
        return centre - 1.5
    if head.for_classes:
        return 2 * centre - 4
    between: Array = -z[:2].mean(axis=0) if len(z) > 1 else centre  # of the first two samples one is on, one is off
    return np.where(np.arange(len(centre)) % 2, centre, between)


def _above(head: Head, rng: np.random.Generator, a: Array) -> Array:
    """Targets above the answers a (samples, n_out), no two alike; of shares, above the first of them."""
    levels = 0.6 + 0.4 * (rng.permutation(a.size).reshape(a.shape) + 0.5) / a.size
    if head.shares:
        rest = (1 - levels[:, :1]) * a[:, 1:] / a[:, 1:].sum(axis=1, keepdims=True)
        return np.concatenate([1 - rest.sum(axis=1, keepdims=True), rest], axis=1)
    return levels if head.for_classes else a.max() + levels


def _labels(head: Head, rng: np.random.Generator, samples: int, outputs: int) -> Array:
    """A class for each sample, the first in half of them and more; with one output, that or none."""
    classes = rng.integers(outputs, size=samples) * rng.integers(2, size=samples)
    y = np.full((samples, outputs), float(head.low))
    y[np.arange(samples), classes] = head.high if outputs > 1 else rng.integers(2, size=samples)
    return y
