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
