"""Engines that are wrong by what they keep from step to step, or change that is not theirs."""

from backprop import load

FullMatrix = load("full_matrix")


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


STATEFUL = [Momentum, Slows, RestsEveryThird, KeepsByAddress, KeepsByLength]
