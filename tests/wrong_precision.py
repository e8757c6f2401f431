"""Engines that compute in another precision than their network's, where the check must say so, and where not."""

import numpy as np

from backprop import Engine, Network, load

FullMatrix = load("full_matrix")


class ComputesInHalf(FullMatrix):
    """Works in the next coarser precision: float32 for a float64 network, float16 for a float32 one."""

    def step(self, x, y, eta):
        coarse = np.float32 if x.dtype == np.float64 else np.float16
        super().step(x.astype(coarse).astype(x.dtype), y, eta)


class Doubles(FullMatrix):
    """float64 inside, whatever is given: one np.array(w, dtype=float)."""

    def __init__(self, network):
        super().__init__(Network(*([b.astype(float) for b in part] for part in (network.weights, network.biases))))


class DoublesUnseen(Doubles):
    """The same, and network() gives what was asked for."""

    def __init__(self, network):
        super().__init__(network)
        self.given = network.dtype

    def network(self):
        own = super().network()
        return Network(*([b.astype(self.given) for b in part] for part in (own.weights, own.biases)))


class DoublesInTheStep(FullMatrix):
    """Parameters in the network's dtype, each step in float64."""

    def step(self, x, y, eta):
        blocks = [*self.weights, *self.biases]
        self.weights, self.biases = ([b.astype(float) for b in part] for part in (self.weights, self.biases))
        super().step(x.astype(float), y.astype(float), eta)
        self.weights = [b.astype(x.dtype) for b in self.weights]
        self.biases = [b.astype(x.dtype) for b in self.biases]
        assert all(a.dtype == b.dtype for a, b in zip(blocks, [*self.weights, *self.biases], strict=True))


class SumsInDouble(Engine):
    """Right: every array is of the network's dtype, and sums are made in float64."""

    def __init__(self, network):
        own = network.copy()
        self.w, self.b = list(own.weights), list(own.biases)

    def step(self, x, y, eta):
        kind, f = self.w[0].dtype, np.float64
        acts = [x]
        for w, b in zip(self.w, self.b, strict=True):
            z = (acts[-1].astype(f) @ w.T.astype(f) + b).astype(kind)
            acts.append((1 / (1 + np.exp(-z.astype(f)))).astype(kind))
        delta = ((acts[-1].astype(f) - y) * acts[-1] * (1 - acts[-1])).astype(kind)
        for i in reversed(range(len(self.w))):
            a, below = acts[i].astype(f), delta.astype(f) @ self.w[i].astype(f)
            self.w[i] = (self.w[i] - eta * (delta.T.astype(f) @ a) / len(x)).astype(kind)
            self.b[i] = (self.b[i] - eta * delta.mean(axis=0, dtype=f)).astype(kind)
            delta = (below * a * (1 - a)).astype(kind)

    def network(self):
        return Network(tuple(self.w), tuple(self.b)).copy()


LEAKS = [Doubles, DoublesUnseen, DoublesInTheStep]
