"""Engines that are wrong, each in one way that the gradient check must refuse, with what it must say of it."""

import numpy as np
from wrong_precision import ComputesInHalf
from wrong_state import ChangesInput, ChangesItsNetwork, KeepsFirstLength, KeepsStaleWorkspace, Momentum

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


class GivesNaN(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, y, eta)
        if eta:
            self.weights[0][0, 0] = np.nan


class DoesNothing(FullMatrix):
    def step(self, x, y, eta):
        pass


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
