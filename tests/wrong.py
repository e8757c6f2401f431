"""Engines that are wrong, each in one way that the gradient check must refuse, with what it must say of it."""

import numpy as np

from backprop import Engine, Network, load

FullMatrix = load("full_matrix")


class ForgetsMean(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, y, eta * len(x))


class HasWrongSign(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, y, -eta)


class IgnoresEta(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, y, 3.0)


class ForgetsBiases(FullMatrix):
    def step(self, x, y, eta):
        before = [b.copy() for b in self.biases]
        super().step(x, y, eta)
        self.biases = before


class DropsLastSample(FullMatrix):
    def step(self, x, y, eta):
        super().step(x[:-1], y[:-1], eta) if len(x) > 1 else super().step(x, y, eta)


class Transposes(FullMatrix):
    """Its square layers get the transpose of their gradient."""

    def step(self, x, y, eta):
        before = [w.copy() for w in self.weights]
        super().step(x, y, eta)
        for layer, (old, new) in enumerate(zip(before, self.weights, strict=True)):
            if old.shape[0] == old.shape[1]:
                self.weights[layer] = old + (new - old).T


class UpdatesTooEarly(Engine):
    """Each layer is updated before the error has passed down through it."""

    def __init__(self, network):
        self.weights = [w.copy() for w in network.weights]
        self.biases = [b.copy() for b in network.biases]

    def step(self, x, y, eta):
        activations = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            activations.append(1 / (1 + np.exp(-(activations[-1] @ w.T + b))))
        error = activations[-1] - y
        for layer in reversed(range(len(self.weights))):
            a = activations[layer + 1]
            delta = error * a * (1 - a)
            self.weights[layer] -= eta * delta.T @ activations[layer] / len(x)
            self.biases[layer] -= eta * delta.mean(axis=0)
            error = delta @ self.weights[layer]

    def network(self):
        return Network(tuple(self.weights), tuple(self.biases)).copy()


class KeepsStaleWorkspace(FullMatrix):
    """Copies each batch into a workspace made for the first, and uses all of it."""

    workspace = None

    def step(self, x, y, eta):
        if self.workspace is None or len(x) > len(self.workspace[0]):
            self.workspace = x.copy(), y.copy()
        self.workspace[0][: len(x)], self.workspace[1][: len(y)] = x, y
        super().step(*self.workspace, eta)


class ChangesInput(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, y, eta)
        y -= 1


class ChangesItsNetwork(FullMatrix):
    def __init__(self, network):
        super().__init__(network)
        self.weights = list(network.weights)


class ComputesInHalf(FullMatrix):
    """Works in the next coarser precision: float32 for a float64 network, float16 for a float32 one."""

    def step(self, x, y, eta):
        coarse = np.float32 if x.dtype == np.float64 else np.float16
        super().step(x.astype(coarse).astype(x.dtype), y, eta)


class GivesNaN(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, y, eta)
        if eta:
            self.weights[0][0, 0] = np.nan


class DoesNothing(FullMatrix):
    def step(self, x, y, eta):
        pass


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


class IgnoresTargets(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, np.zeros_like(y), eta)


class IgnoresInputs(FullMatrix):
    def step(self, x, y, eta):
        super().step(np.ones_like(x), y, eta)


class IgnoresTheFirstInput(FullMatrix):
    def step(self, x, y, eta):
        x = x.copy()
        x[:, 0] = 0
        super().step(x, y, eta)


class IgnoresTheLastOutput(FullMatrix):
    def step(self, x, y, eta):
        w, b = self.weights[-1][-1].copy(), self.biases[-1][-1].copy()
        super().step(x, y, eta)
        self.weights[-1][-1], self.biases[-1][-1] = w, b


class KnowsOnlyZerosAndOnes(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, (y > 0.5).astype(y.dtype), eta)


class PairsAll(FullMatrix):
    """Every prediction with every target, as arrays of (m,) and (m, 1) do; at batch 1 there is nothing to mix up."""

    def step(self, x, y, eta):
        super().step(x, np.broadcast_to(y.mean(axis=0), y.shape), eta)


class WrongHere(FullMatrix):
    """With gradients of its own making."""

    def step(self, x, y, eta):
        acts = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            acts.append(1 / (1 + np.exp(-(acts[-1] @ w.T + b[:, 0]))))
        delta = self.top(acts[-1], y) / len(x)
        for i in reversed(range(len(self.weights))):
            below = delta @ self.weights[i]
            self.weights[i] -= (eta * delta.T @ acts[i]).astype(x.dtype)
            self.biases[i] -= (eta * delta.sum(axis=0)[:, None]).astype(x.dtype)
            delta = below * self.slope(acts[i])

    def top(self, a, y):
        return (a - y) * a * (1 - a)

    def slope(self, a):
        return a * (1 - a)


class LacksTheLastSlope(WrongHere):
    def top(self, a, y):
        return a - y


class LacksTheHiddenSlopes(WrongHere):
    def slope(self, a):
        return 1.0


class Momentum(FullMatrix):
    """v <- 0.9 v - eta g, w <- w + v"""

    velocity = None
    mu = 0.9

    def step(self, x, y, eta):
        old = [*(w.copy() for w in self.weights), *(b.copy() for b in self.biases)]
        super().step(x, y, eta)
        new = [*self.weights, *self.biases]
        moved = [b - a for a, b in zip(old, new, strict=True)]
        if self.velocity is not None:
            moved = [m + self.mu * v for m, v in zip(moved, self.velocity, strict=True)]
        self.velocity = moved
        for a, b, v in zip(new, old, moved, strict=True):
            a[...] = b + v


class Slows(FullMatrix):
    """The learning rate decays by a percent a step."""

    rate = 1.0

    def step(self, x, y, eta):
        super().step(x, y, eta * self.rate)
        self.rate *= 0.99


class RestsEveryThird(FullMatrix):
    count = 0

    def step(self, x, y, eta):
        self.count += 1
        super().step(x, y, eta * (self.count % 3 != 0))


class KeepsByAddress(FullMatrix):
    """Keeps what it has made of an array, by the array's id."""

    def __init__(self, network):
        super().__init__(network)
        self.made = {}

    def step(self, x, y, eta):
        own = self.made.setdefault((id(x), len(x)), x.copy()) if eta else x
        super().step(own, y, eta)


class KeepsByLength(FullMatrix):
    def __init__(self, network):
        super().__init__(network)
        self.made = {}

    def step(self, x, y, eta):
        super().step(x, self.made.setdefault(len(x), y.copy()), eta)


class KeepsFirstLength(FullMatrix):
    first = None

    def step(self, x, y, eta):
        self.first = self.first or len(x)
        super().step(x, y, eta * len(x) / self.first)


class UpdatesBiasesByTheSum(FullMatrix):
    def step(self, x, y, eta):
        before = [b.copy() for b in self.biases]
        super().step(x, y, eta)
        self.biases = [old + len(x) * (new - old) for old, new in zip(before, self.biases, strict=True)]


class Shrinks(FullMatrix):
    """Weight decay."""

    def step(self, x, y, eta):
        shrunk = [w * w.dtype.type(1 - 0.01 * eta) for w in self.weights]
        before = [w.copy() for w in self.weights]
        super().step(x, y, eta)
        self.weights = [s + new - old for s, new, old in zip(shrunk, self.weights, before, strict=True)]


REFUSED = {
    ForgetsMean: "gradient of weights",
    HasWrongSign: "gradient of weights",
    IgnoresEta: "eta = 0 changed weights[0]",
    ForgetsBiases: "gradient of biases",
    DropsLastSample: "gradient of weights",
    Transposes: "gradient of weights[1]",
    UpdatesTooEarly: "gradient of weights",
    KeepsStaleWorkspace: "gradient of weights",
    ChangesInput: "changed its input y",
    ChangesItsNetwork: "in the network that it was given, changed weights[0]",
    ComputesInHalf: "gradient of weights",
    GivesNaN: "off by nan",
    DoesNothing: "off by",
}

EVERYWHERE = [
    IgnoresTargets, IgnoresInputs, IgnoresTheFirstInput, IgnoresTheLastOutput, KnowsOnlyZerosAndOnes, PairsAll,
    DropsLastSample, Momentum, KeepsFirstLength, LacksTheLastSlope, ForgetsMean,
]  # fmt: skip

STATEFUL = [Momentum, Slows, RestsEveryThird, KeepsByAddress, KeepsByLength]

LEAKS = [Doubles, DoublesUnseen, DoublesInTheStep]

DIAGNOSED = {
    ForgetsMean: "every block is {batch}.00 times the mean gradient at batch {batch}: the division by the batch is",
    HasWrongSign: "every block is -1.00 times the mean gradient at batch {batch}: the sign is wrong",
    IgnoresEta: "eta = 0 changed weights[0]: eta is ignored",
    DoesNothing: "the step does nothing",
    ForgetsBiases: "never updated: biases[2], biases[1], biases[0]",
    Transposes: "transposed: weights[1]",
    UpdatesTooEarly: "the weights are updated before the error has passed down through them",
    GivesNaN: "there is NaN or infinity in network()",
    KeepsFirstLength: "as expected at batch {batch}, ",
    IgnoresTargets: "y is ignored",
    IgnoresTheFirstInput: "inputs are ignored: 0",
    IgnoresTheLastOutput: "weights[2] never moves in its units 2",
    PairsAll: "every prediction is paired with every target",
    LacksTheLastSlope: "the last layer lacks the factor sigmoid'(z): the cost here is the quadratic one",
    LacksTheHiddenSlopes: "the hidden layers lack the factor sigmoid'(z)",
    UpdatesBiasesByTheSum: "the weights are right, and all biases are {batch}.00 times the mean gradient",
    Shrinks: "0.01 times the weights are added to their gradient",
    ComputesInHalf: "so far off is arithmetic of fewer digits than",
}
