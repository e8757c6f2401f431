"""The passes over memory between the products of a step: bias, activation, slope, and the sums for the biases.

A layer's arrays are flat here: its samples one after the other, or, by_samples false, its units.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from .scalars import compiled, decayed, relu, relu_slope, sigmoid, sigmoid_slope, tanh, tanh_slope

CODES = {"identity": 0, "sigmoid": 1, "tanh": 2, "relu": 3, "softmax": 4}
NO_SLOPE = -1
_SIGMOID, _TANH, _RELU, _SOFTMAX = (CODES[name] for name in ("sigmoid", "tanh", "relu", "softmax"))

TILE = 512  # elements that a vectorised loop goes over at once, where rows are shorter: what is left over is scalar


@compiled
def fill(z: Any, bias: Any, by_samples: bool) -> None:
    """The bias of each unit in all its samples: so the product can be added."""
    units, batch = len(bias), len(z) // len(bias)
    if by_samples:
        for unit in range(units):
            z[unit] = bias[unit]
        done = units
        while done < len(z):  # twice as much each time: what is left over of a short row is copied one by one
            copied = z[done : 2 * done]
            for i in range(len(copied)):
                copied[i] = z[i]
            done += len(copied)
    else:
        for unit in range(units):
            column = z[unit * batch : (unit + 1) * batch]
            for sample in range(batch):
                column[sample] = bias[unit]


@compiled
def activate(function: int, z: Any, units: int, by_samples: bool, spare: Any) -> None:
    """The activation takes the place of z; spare, of the size of z, is overwritten."""
    if function == _SIGMOID:
        for i in range(len(z)):
            z[i] = sigmoid(z[i])
    elif function == _TANH:
        for i in range(len(z)):
            z[i] = tanh(z[i])
    elif function == _RELU:
        for i in range(len(z)):
            z[i] = relu(z[i])
    elif function == _SOFTMAX:
        softmax(z, units, by_samples, spare)


@compiled
def softmax(z: Any, units: int, by_samples: bool, spare: Any) -> None:
    batch = len(z) // units
    if by_samples:
        for start in range(0, len(z), units):
            row = z[start : start + units]
            largest = row[0]
            for i in range(units):
                largest = max(largest, row[i])
            for i in range(units):
                row[i] -= largest
        for i in range(len(z)):
            z[i] = decayed(z[i])
        for start in range(0, len(z), units):
            row = z[start : start + units]
            total = row[0]
            for i in range(1, units):
                total += row[i]
            for i in range(units):
                row[i] /= total
    else:
        of_sample = spare[:batch]
        of_sample[:] = z[:batch]
        for start in range(batch, len(z), batch):
            column = z[start : start + batch]
            for i in range(batch):
                of_sample[i] = max(of_sample[i], column[i])
        for start in range(0, len(z), batch):
            column = z[start : start + batch]
            for i in range(batch):
                column[i] = decayed(column[i] - of_sample[i])
        of_sample[:] = z[:batch]
        for start in range(batch, len(z), batch):
            column = z[start : start + batch]
            for i in range(batch):
                of_sample[i] += column[i]
        for start in range(0, len(z), batch):
            column = z[start : start + batch]
            for i in range(batch):
                column[i] /= of_sample[i]


@compiled
def subtract(a: Any, y: Any, delta: Any, by_samples: bool) -> None:
    """The error on top, a - y; y is (batch, units) in C order, whatever the others are."""
    if by_samples:
        targets = y.reshape(-1)
        for i in range(len(delta)):
            delta[i] = a[i] - targets[i]
    else:
        batch, units = y.shape
        for unit in range(units):
            for sample in range(batch):
                delta[unit * batch + sample] = a[unit * batch + sample] - y[sample, unit]


@compiled
def descend(slope: int, delta: Any, a: Any, bias: Any, rate: float, by_samples: bool, sums: Any) -> None:
    """The error is taken through the slope of this function, and its sum at this rate to the bias.

    sums are TILE numbers to work with, or as many as there are units.
    """
    units, batch = len(bias), len(delta) // len(bias)
    row = units if by_samples else batch
    size = min(max(TILE // row, 1) * row, len(delta))  # some rows: long enough for vectors, and still in the cache
    if by_samples:
        sums = sums[:size]
        for i in range(size):
            sums[i] = 0
        for start in range(0, len(delta), size):
            add_slopes(slope, delta[start : start + size], a[start : start + size], sums)
        rows = size // units
        while rows > 1:  # the second half to the first
            half = (rows + 1) // 2
            others = sums[half * units : rows * units]
            for i in range(len(others)):
                sums[i] += others[i]
            rows = half
        for unit in range(units):
            bias[unit] += rate * sums[unit]
    else:
        for start in range(0, len(delta), size):
            tile = delta[start : start + size]
            multiply_by_slope(slope, tile, a[start : start + size])
            for first in range(0, len(tile), batch):
                bias[(start + first) // batch] += rate * total(tile[first : first + batch])


def _added(slope: Any) -> Any:
    @compiled
    def add(delta: Any, a: Any, sums: Any) -> None:
        for i in range(len(delta)):
            error = delta[i] * slope(a[i])
            delta[i] = error
            sums[i] += error

    return add


_add_sigmoid, _add_tanh, _add_relu = map(_added, (sigmoid_slope, tanh_slope, relu_slope))


@compiled
def add_slopes(function: int, delta: Any, a: Any, sums: Any) -> None:
    """As multiply_by_slope, and what comes out is added to sums in the same pass over memory."""
    if function == _SIGMOID:
        _add_sigmoid(delta, a, sums)
    elif function == _TANH:
        _add_tanh(delta, a, sums)
    elif function == _RELU:
        _add_relu(delta, a, sums)
    else:
        for i in range(len(delta)):
            sums[i] += delta[i]


@compiled
def multiply_by_slope(function: int, delta: Any, a: Any) -> None:
    if function == _SIGMOID:
        for i in range(len(delta)):
            delta[i] *= sigmoid_slope(a[i])
    elif function == _TANH:
        for i in range(len(delta)):
            delta[i] *= tanh_slope(a[i])
    elif function == _RELU:
        for i in range(len(delta)):
            delta[i] *= relu_slope(a[i])


@njit(error_model="numpy", fastmath={"reassoc"})  # a sum in several parts at once
def total(part: Any) -> Any:
    found = part[0]
    for i in range(1, len(part)):
        found += part[i]
    return found
