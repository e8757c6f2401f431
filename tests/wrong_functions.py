"""Engines that take a function of the network for another, each in one way that the gradient check must refuse."""

import numpy as np

from backprop import Network, load

FullMatrix = load("full_matrix")


class ForgetsTheTopSlope(FullMatrix):
    def __init__(self, network):
        super().__init__(network)
        self.matched = True


class TakesTheTopSlope(FullMatrix):
    """Though the cost matches the activation."""

    def __init__(self, network):
        super().__init__(network)
        self.matched = False
        of = self.functions[-1]
        self.primes[-1] = lambda z: of(z) * (1 - of(z))


class TakesSoftmaxUnderTheQuadraticCost(FullMatrix):
    """The error goes down through the whole derivative of softmax, diag(a) - a a^T for each sample."""

    def step(self, x, y, eta):
        a = self.network().feedforward(x)
        error = a - y
        super().step(x, a - a * (error - np.sum(a * error, axis=1, keepdims=True)), eta)


class TakesSharesOfTheSamples(FullMatrix):
    """Softmax over the wrong axis."""

    def __init__(self, network):
        super().__init__(network)
        of = self.functions[-1]
        self.functions[-1] = lambda z: of(z.T).T


class TurnsTheSlopeRound(FullMatrix):
    """A slope of 0 where z is positive, and of 1 where it is not."""

    def __init__(self, network):
        super().__init__(network)
        for layer, function in enumerate(network.functions):
            if function.kink:
                self.primes[layer] = lambda z: (z <= 0).astype(z.dtype)


class LetsAllThrough(FullMatrix):
    """A slope of 1 in hidden layers, whatever z is."""

    def __init__(self, network):
        super().__init__(network)
        self.primes[:-1] = [np.ones_like] * (len(self.primes) - 1)


class TakesTheMeanTwice(FullMatrix):
    def step(self, x, y, eta):
        super().step(x, y, eta / len(x))


class LosesItsFunctions(FullMatrix):
    def network(self):
        return Network(self.weights, [b[:, 0] for b in self.biases])


# With the functions that they are wrong at, (hidden, head), and what is said of them.
WRONG = [
    (
        ForgetsTheTopSlope,
        "relu",
        "sigmoid-quadratic",
        "the last layer lacks the factor sigmoid'(z): the cost here is the",
    ),
    (ForgetsTheTopSlope, "sigmoid", "tanh-quadratic", "the last layer lacks the factor tanh'(z): the cost here is the"),
    (ForgetsTheTopSlope, "tanh", "relu-quadratic", "the last layer lacks the factor relu'(z): the cost here is the"),
    (TakesTheTopSlope, "tanh", "sigmoid-cross-entropy", "the last layer has the factor sigmoid'(z), which falls away"),
    (TakesTheTopSlope, "relu", "softmax-cross-entropy", "the last layer has the factor softmax'(z), which falls away"),
    (
        TakesSoftmaxUnderTheQuadraticCost,
        "tanh",
        "softmax-cross-entropy",
        "the error goes down through softmax' as a quadratic cost's does",
    ),
    (TakesSharesOfTheSamples, "relu", "softmax-cross-entropy", "softmax is taken over the samples"),
    (TurnsTheSlopeRound, "relu", "softmax-cross-entropy", "relu'(z) is 0 where z is positive"),
    (TurnsTheSlopeRound, "relu", "identity-quadratic", "relu'(z) is 0 where z is positive"),
    (LetsAllThrough, "relu", "sigmoid-cross-entropy", "the hidden layers lack the factor relu'(z)"),
    (LetsAllThrough, "tanh", "identity-quadratic", "the hidden layers lack the factor tanh'(z)"),
    (TakesTheMeanTwice, "relu", "softmax-cross-entropy", "it is divided by the batch twice"),
    (TakesTheMeanTwice, "identity", "identity-quadratic", "it is divided by the batch twice"),
    (LosesItsFunctions, "relu", "softmax-cross-entropy", "network() has lost its activations or its cost"),
]
