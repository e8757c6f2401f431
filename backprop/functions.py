"""Activation functions and costs: the only file that knows their names, and which of them go together.

A layer's arrays are (units, samples) here, a sample a column; all functions keep their shape and dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy import add, divide, exp, multiply, subtract

from .errors import InputError, did_you_mean

Array = npt.NDArray[np.floating[Any]]
Call = Callable[[], object]
InPlace = Callable[[Array, Array], Call]


@dataclass(frozen=True, slots=True)
class Activation:
    """The function of a layer, a = f(z), and its derivative in the forms that engines take it in.

    of(z): the activation, a new array or, of the identity, z itself. prime(z): its derivative as it is taught, of z.
    slope(a): the same from the activation alone. Softmax has neither, and goes with the cost that needs none.
    in_place(z, units): a call, without allocation, that makes of sign * z in z the activation; units is their axis.
    slope_in_place(a, out): a call that writes slope(a) to out; None where it is 1 everywhere, or none is needed.
    kink says that the derivative jumps at z = 0; damps, that rounding errors of z come to no more than a's own;
    cancels, that the slope is a difference, as 1 - a^2, of which little is left where the layer saturates.
    """

    name: str
    of: Callable[[Array], Array]
    prime: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    in_place: Callable[[Array, int], Call]
    slope_in_place: InPlace | None
    sign: int = 1
    kink: bool = False
    damps: bool = False
    cancels: bool = False


def sigmoid(z: Array) -> Array:
    """The logistic function, 1 / (1 + exp(-z)).

    Far below zero `exp(-z)` overflows to inf and the result, 0, is right: callers silence that warning
    once a step, with `quiet` of network.py, which would cost a third of a small call in here.
    """
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z: Array) -> Array:
    """The derivative of `sigmoid`, s (1 - s) with s = sigmoid(z)."""
    s = sigmoid(z)
    return s * (1.0 - s)


def sigmoid_slope(a: Array) -> Array:
    """The derivative of `sigmoid` from the activation, a (1 - a)."""
    return a * (1 - a)


def sigmoid_in_place(z: Array, _: int) -> Call:
    """The sigmoid of what is there negated: the sign that exp wants."""
    one = np.ones((), z.dtype)  # an array: a Python float would double the time of a small ufunc

    def activate() -> None:
        exp(z, z)
        add(z, one, z)
        divide(one, z, z)

    return activate


def less_the_square(whole: Array, a: Array, out: Array) -> Call:
    """A slope that is whole - a^2, in two passes without another array."""

    def slope() -> None:
        multiply(a, a, out)
        subtract(whole, out, out)

    return slope


def tanh(z: Array) -> Array:
    """The hyperbolic tangent, of derivative 1 - tanh^2 (Y. LeCun et al., "Efficient BackProp", 1998)."""
    return np.tanh(z)


def tanh_slope(a: Array) -> Array:
    """The derivative of `tanh` from the activation, 1 - a^2."""
    return 1 - a * a


def relu(z: Array) -> Array:
    """The rectifier, z where that is positive, else 0 (V. Nair and G. Hinton, 2010); the derivative is 1 or 0."""
    return np.maximum(z, 0)


def relu_slope(a: Array) -> Array:
    """The derivative of `relu` from the activation."""
    return np.sign(a)


def relu_in_place(z: Array, _: int) -> Call:
    return partial(np.maximum, z, np.zeros((), z.dtype), out=z)


def identity(z: Array) -> Array:
    """The identity: for layers that answer any number."""
    return z


def softmax(z: Array) -> Array:
    """The share of exp(z) that each unit has in its sample (J. Bridle, 1990); less the largest z, exp stays finite."""
    shares: Array = np.exp(z - z.real.max(axis=0))
    shares /= shares.sum(axis=0)
    return shares


def softmax_prime(_: Array) -> Array:
    raise NotImplementedError("the derivative of softmax is no array of z's shape: it goes with cross-entropy alone")


def softmax_in_place(z: Array, units: int) -> Call:
    samples, rows = np.empty_like(np.max(z, axis=units, keepdims=True)), np.empty_like(z)

    def activate() -> None:
        np.maximum.reduce(z, units, out=samples, keepdims=True)
        rows[...] = samples  # to work on z with samples would allocate a buffer: their strides differ
        np.subtract(z, rows, z)
        np.exp(z, z)
        np.add.reduce(z, units, out=samples, keepdims=True)
        rows[...] = samples
        np.divide(z, rows, z)

    return activate


def quadratic(of: Callable[[Array], Array]) -> Callable[[Array, Array], Any]:
    """Half the squared distance of the answer, of(z), to y, summed over units and samples."""
    return lambda z, y: 0.5 * np.sum((of(z) - y) ** 2)


def sigmoid_cross_entropy(z: Array, y: Array) -> Any:
    """-y log(a) - (1 - y) log(1 - a) with a = sigmoid(z), summed over units and samples.

    As log(1 + exp(z)) - y z, with exp of what is never positive: the log of 0 is never taken.
    """
    positive = np.where(z.real > 0, z, 0)
    return np.sum(positive + np.log1p(np.exp(z - 2 * positive)) - y * z)


def softmax_cross_entropy(z: Array, y: Array) -> Any:
    """-y log(a) with a = softmax(z), summed over units and samples.

    log(a) is taken as z less the log of the sum of exp(z), the largest z subtracted before: never the log of 0.
    """
    shifted = z - z.real.max(axis=0)
    return -np.sum(y * (shifted - np.log(np.exp(shifted).sum(axis=0))))


SIGMOID = Activation(
    "sigmoid", sigmoid, sigmoid_prime, sigmoid_slope, sigmoid_in_place, lambda a, out: less_the_square(a, a, out),
    sign=-1, damps=True, cancels=True,
)  # fmt: skip
TANH = Activation(
    "tanh", tanh, lambda z: 1.0 - np.tanh(z) ** 2, tanh_slope, lambda z, _: lambda: np.tanh(z, z),
    lambda a, out: less_the_square(np.ones((), a.dtype), a, out), cancels=True,
)  # fmt: skip
RELU = Activation(
    "relu", relu, lambda z: (z > 0).astype(z.dtype), relu_slope, relu_in_place, lambda a, out: lambda: np.sign(a, out),
    kink=True,
)  # fmt: skip
IDENTITY = Activation("identity", identity, np.ones_like, np.ones_like, lambda _, __: lambda: None, None)
SOFTMAX = Activation("softmax", softmax, softmax_prime, softmax_prime, softmax_in_place, None)

EVERYWHERE = {each.name: each for each in (SIGMOID, TANH, RELU, IDENTITY)}
ACTIVATIONS = {**EVERYWHERE, SOFTMAX.name: SOFTMAX}


@dataclass(frozen=True)
class Head:
    """The top of a network: the activation of its last layer, and the cost, which belong together.

    total(z, y): the cost, summed over units and samples, by the last layer's z. matched says that its derivative by
    that z is (a - y); where it is not, it is (a - y) times the activation's (M. Nielsen, "Neural Networks and Deep
    Learning", equation BP1 and chapter 3).
    Targets lie between low and high; where shares, those of a sample sum to 1. eta is the learning rate to begin with,
    at a batch of 10: chosen by tests/trials/learning_rates.py.
    """

    top: Activation
    cost: str
    total: Callable[[Array, Array], Any]
    matched: bool
    low: float
    high: float
    eta: float
    shares: bool = False

    @property
    def name(self) -> str:
        """Both in one word, such as softmax-cross-entropy."""
        return f"{self.top.name}-{self.cost}"

    @property
    def of_classes(self) -> bool:
        """Whether it is made for classes: a target is the probability of each."""
        return self.cost == "cross-entropy"

    @property
    def for_classes(self) -> bool:
        """Whether it can tell classes, by the largest answer: high for the class of a sample, low for the others."""
        return self.high < inf


HEADS = {
    head.name: head
    for head in (
        Head(SIGMOID, "quadratic", quadratic(sigmoid), False, 0, 1, eta=3.0),
        Head(SIGMOID, "cross-entropy", sigmoid_cross_entropy, True, 0, 1, eta=0.3),
        Head(SOFTMAX, "cross-entropy", softmax_cross_entropy, True, 0, 1, eta=0.3, shares=True),
        Head(IDENTITY, "quadratic", quadratic(identity), True, -inf, inf, eta=0.1),
        Head(TANH, "quadratic", quadratic(tanh), False, -1, 1, eta=0.3),
        Head(RELU, "quadratic", quadratic(relu), False, 0, inf, eta=0.1),
    )
}
HIDDEN, HEAD = "sigmoid", "sigmoid-quadratic"  # where nothing is said: the source's
USUAL_HIDDEN, USUAL_HEAD = "relu", "softmax-cross-entropy"  # what most people train today


def check_hidden(name: str) -> None:
    """InputError where hidden layers can't have the activation of this name."""
    if name not in EVERYWHERE:
        why = f"{name} goes on top only" if name in ACTIVATIONS else f"unknown activation {name!r}"
        raise InputError(f"{why}: {did_you_mean(name, EVERYWHERE)}hidden layers take {', '.join(EVERYWHERE)}")


def head_named(name: str) -> Head:
    """The head of this name; InputError for an unknown one, with the nearest."""
    if name not in HEADS:
        raise InputError(f"unknown head {name!r}: {did_you_mean(name, HEADS)}there are {', '.join(HEADS)}")
    return HEADS[name]
