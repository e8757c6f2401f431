"""Networks of all functions, with data that fit them, for the tests of engines and of the check."""

from itertools import cycle, islice

import numpy as np
from hypothesis import strategies as st

from backprop import Network
from backprop.functions import EVERYWHERE, HEADS

COMBINATIONS = [(hidden, head) for hidden in EVERYWHERE for head in HEADS]
FEW = list(zip(cycle(EVERYWHERE), HEADS, strict=False))  # each head once, and each activation of hidden layers


def combinations():
    """A strategy: the activation of the hidden layers, and the head, by their names."""
    return st.sampled_from(COMBINATIONS)


def network_of(sizes, dtype, hidden, head, seed=0):
    """A random network; with one output of shares, which have nothing to learn, it gets another.

    hidden: one name for all hidden layers, or several that take turns.
    """
    sizes, top = list(sizes), HEADS[head]
    if top.shares:
        sizes[-1] = max(2, sizes[-1])
    turns = cycle([hidden] if isinstance(hidden, str) else hidden)
    activations = [*islice(turns, len(sizes) - 2), top.top.name]
    return Network.random(sizes, np.random.default_rng(seed), dtype, activations, top.cost)


def samples_for(network, samples, labels_only=False, seed=0):
    """Random x (samples, n_in) and y (samples, n_out) that fit the network's head."""
    rng, head, n_out = np.random.default_rng(seed), network.head, network.sizes[-1]
    x = rng.random((samples, network.sizes[0]))
    if labels_only:
        y = np.full((samples, n_out), float(head.low))
        y[np.arange(samples), rng.integers(n_out, size=samples)] = head.high if n_out > 1 else rng.integers(2)
    else:
        y = rng.uniform(max(head.low, -2), min(head.high, 2), (samples, n_out))
        y = y / y.sum(axis=1, keepdims=True) if head.shares else y
    return x.astype(network.dtype), y.astype(network.dtype)
