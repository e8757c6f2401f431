"""Wrong engines that the check of the gradient was not made with: written when it was done."""

from __future__ import annotations

import numpy as np

from backprop import load

FullMatrix = load("full_matrix")


class Own(FullMatrix):
    """A step of its own making, of which each wrong engine changes one thing."""

    def step(self, x, y, eta):
        acts = [self.seen(x)]
        for layer, (w, b, f) in enumerate(zip(self.weights, self.biases, self.functions, strict=True)):
            acts.append(self.answer(f, acts[-1] @ w.T + self.bias(layer, b[:, 0])))
        delta = self.error(acts[-1], y) / len(x)
        if not self.matched:
            delta *= self.functions[-1].slope(acts[-1])
        for layer in reversed(range(len(self.weights))):
            below = delta @ self.weights[layer]
            self.update(layer, eta, delta.T @ acts[layer], self.sum_up(delta)[:, None])
            if layer:
                delta = below * self.slope(self.functions[layer - 1], acts[layer])

    def seen(self, x):
        return x

    def bias(self, layer, b):
        return b

    def answer(self, f, z):
        return f.of(z.T).T

    def slope(self, f, a):
        return f.slope(a)

    def error(self, a, y):
        return a - y

    def sum_up(self, delta):
        return delta.sum(axis=0)

    def update(self, layer, eta, grad_w, grad_b):
        self.weights[layer] -= (eta * grad_w).astype(grad_w.dtype)
        self.biases[layer] -= (eta * grad_b).astype(grad_b.dtype)


class SlopeOfArctan(Own):
    def slope(self, f, a):
        return np.cos(a) ** 2


class ClipsTheError(Own):
    """To half a unit."""

    def error(self, a, y):
        return np.clip(a - y, -0.5, 0.5)


class FunctionByTable(Own):
    """Each z rounded to a multiple of a hundredth."""

    def answer(self, f, z):
        return super().answer(f, np.rint(z * 100) / 100)


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
        self.mean = self.own.like(*blocks)

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
    SlopeOfArctan, ClipsTheError, FunctionByTable, TopWithoutBias, BiasesOfOneSample, CentresItsInputs, CapsEta,
    ClipsTheGradient, Averages, StepsBehind, EveryFifthTwice, BlocksOfFour, OrderOfTargets, FewDigits,
]  # fmt: skip
