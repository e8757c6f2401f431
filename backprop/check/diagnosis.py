"""What a wrong step has done instead: the cause of a refusal, in words by which its author finds the line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ..functions import Activation
from ..network import Array, Network
from .gradient import Block, Step, backward, by_name, forward, reference_gradient

CLOSE = 1e-3  # of a block's largest entry: as near as a guess must come to what was done
SAMPLES = 64  # of which each is tried as the one that is left out


def explain(step: Step, right: set[int], fresh_is_right: bool) -> str:
    """The likely cause of a wrong step, "" where none is known.

    right: the batch lengths at which steps of the same engine were right before. fresh_is_right: a fresh engine takes
    the same step as it should.
    """
    blocks = list(step.blocks())
    if not all(np.isfinite(block.implied).all() for block in blocks):
        return "there is NaN or infinity in network() after the step"
    factor, at = _factor(blocks), len(step.x)
    for length in sorted(right - {at}):
        if factor is not None and fresh_is_right and _near(factor, at / length):
            return f"as expected at batch {length}, {_times(factor)} at batch {at}: a batch length is kept"
    if fresh_is_right:
        carried = "a fresh engine's same step is right: something is carried from step to step"
        return carried if factor is None else f"{carried}, by which every block is {factor:.3g} times the gradient"
    if all(not block.implied.any() for block in blocks):
        return "the step does nothing: every parameter is as it was"
    if factor is not None:
        return f"every block is {_of_mean(factor, step)}"
    if untouched := [block.name for block in blocks if block.exact.any() and not block.implied.any()]:
        return f"never updated: {', '.join(untouched)}"
    if _is(step, step.exact):
        return f"so far off is arithmetic of fewer digits than {step.before.dtype} has"
    for kind, other in (("weights", "biases"), ("biases", "weights")):
        own = [block for block in blocks if block.name.startswith(kind)]
        rest = [block for block in blocks if block.name.startswith(other)]
        factor = _factor(own)
        if factor is not None and all(block.right for block in rest):
            return f"the {other} are right, and all {kind} are {_of_mean(factor, step)}"
    return next((words for words, guess in _guesses(step) if _is(step, guess)), "")


def explain_change(before: Network, x: Array, y: Array, after: Network) -> str:
    """Why a step with eta = 0 led from one network to the other, "" where that is not known."""
    exact, magnitude = reference_gradient(before, x, y)
    factor = _factor(list(Step(before, x, y, 1.0, after, exact, magnitude).blocks()))
    return "" if factor is None else f"eta is ignored, the step is {factor:.3g} times the gradient"


def _guesses(step: Step) -> Iterator[tuple[str, Network]]:
    """What is often done instead, in words, and the gradient that it follows; the likeliest first."""
    x, y, m = step.x.astype(np.float64), step.y.astype(np.float64), len(step.x)
    weights: list[Array] = [w.astype(np.float64) for w in step.before.weights]
    activations, slopes = forward(step.before, x)
    error, top = (activations[-1] - y) / m, slopes[-1]
    functions, head = step.before.functions, step.before.head

    def through(error: Array, slopes: list[Array] = slopes) -> Network:
        return backward(weights, activations, slopes, error * slopes[-1])

    flat: list[Array] = [np.ones_like(slope) for slope in slopes]
    hidden, own = _named(functions[:-1]), _named(functions[-1:])
    if not head.matched:
        words = f"the last layer lacks the factor {own}: the cost here is the {head.cost} one"
        yield words, through(error, [*slopes[:-1], flat[-1]])
    elif head.of_classes:
        words = f"the last layer has the factor {own}, which falls away: the cost here is the {head.cost}"
        yield words, through(error, [*slopes[:-1], activations[-1] * (1 - activations[-1])])
    yield f"the hidden layers lack the factor {hidden}", through(error, [*flat[:-1], top])
    yield f"no layer has the factor {_named(functions)}", through(error, flat)
    bent = [1 - slope if function.kink else slope for function, slope in zip(functions, slopes, strict=True)]
    kinked = _named([function for function in functions if function.kink])
    yield f"{kinked} is 0 where z is positive, and 1 where it is not", through(error, bent)
    again = [function.prime(a) for function, a in zip(functions[:-1], activations[1:], strict=False)]
    last = top if head.matched else functions[-1].prime(activations[-1])
    words = f"{_named(functions, of='')} is taken of the activations, where it belongs to z"
    yield words, through(error, [*again, last])
    if head.shares:
        a = activations[-1]
        words = (
            f"the error goes down through {head.top.name}' as a quadratic cost's does: the cost here is the {head.cost}"
        )
        yield words, through(a * (error - np.sum(a * error, axis=1, keepdims=True)))
        over_samples = head.top.of(activations[-2] @ weights[-1].T + step.before.biases[-1])
        yield (
            f"{head.top.name} is taken over the samples, where it belongs over the outputs",
            through((over_samples - y) / m),
        )
    yield "the weights are updated before the error has passed down through them", _early(step, activations, slopes)
    yield "y is ignored", through(activations[-1] / m)
    yield "the answer is ignored: the error is -y", through(-y / m)
    for mixed in (activations[-1] - y.mean(axis=0), activations[-1].mean(axis=0) - y):
        words = "every prediction is paired with every target, as (m,) against (m, 1) is"
        yield words, through(mixed / m)
        yield words, through(mixed)
    for sample in range(min(m, SAMPLES)) if m > 1 else ():
        for number in (m, m - 1):
            rest = error * (m / number)
            rest[sample] = 0
            yield f"sample {sample} of the batch's {m} is left out", through(rest)
        for number in (m, 1):
            alone = np.zeros_like(error)
            alone[sample] = error[sample] * (m / number)
            yield f"of the batch's {m} samples only number {sample} counts", through(alone)
    dead = np.flatnonzero(x.any(axis=0) & ~step.implied.weights[0].any(axis=0))
    if len(dead):
        words = f"inputs are ignored: {', '.join(map(str, dead[:5]))}"
        yield words, reference_gradient(step.before, _without(x, dead, 0), y)[0]
    yield "x is ignored", reference_gradient(step.before, np.ones_like(x), y)[0]
    yield "samples are paired with each other's targets", through((activations[-1] - np.roll(y, 1, axis=0)) / m)
    for output in range(y.shape[1]) if y.shape[1] > 1 else ():
        rest = error.copy()
        rest[:, output] = 0
        yield f"output {output} is ignored", through(rest)
    yield from _local(step)


def _named(functions: Sequence[Activation], of: str = "(z)") -> str:
    """The derivative of these, such as sigmoid'(z)."""
    return " or ".join(dict.fromkeys(f"{function.name}'{of}" for function in functions))


def _local(step: Step) -> Iterator[tuple[str, Network]]:
    """What goes wrong in single blocks, the others being right."""
    implied, exact = step.implied, step.exact
    pairs = list(zip(exact.weights, implied.weights, strict=True))
    turned = [i for i, (w, done) in enumerate(pairs) if w.shape[0] == w.shape[1] and _equal(done, w.T, 0)]
    if turned:
        flipped = tuple(w.T if i in turned else w for i, w in enumerate(exact.weights))
        yield f"transposed: {', '.join(f'weights[{i}]' for i in turned)}", Network(flipped, exact.biases)
    for axis, words in ((0, "inputs"), (1, "units")):  # of a layer's weights: its columns, its rows
        still = [np.flatnonzero(w.any(axis=axis) & ~done.any(axis=axis)) for w, done in pairs]
        guess = Network(
            tuple(_without(w, lost, axis) for w, lost in zip(exact.weights, still, strict=True)), implied.biases
        )
        for layer, units in enumerate(still):
            if len(units):
                yield f"weights[{layer}] never moves in its {words} {', '.join(map(str, units[:5]))}", guess
    decays = [
        float(np.sum((done - w) * old) / np.sum(old.astype(np.float64) ** 2))
        for w, done, old in zip(exact.weights, implied.weights, step.before.weights, strict=True)
    ]
    shrunk = tuple(w + decay * old for w, decay, old in zip(exact.weights, decays, step.before.weights, strict=True))
    yield f"{decays[0]:.3g} times the weights are added to their gradient", Network(shrunk, exact.biases)


def _without(w: Array, lost: npt.NDArray[np.intp], axis: int) -> Array:
    """The weights, zero in the columns (axis 0) or rows that are lost."""
    rest = w.copy()
    rest[(slice(None), lost) if axis == 0 else lost] = 0
    return rest


def _early(step: Step, activations: list[Array], slopes: list[Array]) -> Network:
    """The gradient where each layer is updated before the error goes down through it."""
    delta = (activations[-1] - step.y) * slopes[-1] / len(step.x)
    layers: list[tuple[Array, Array]] = []
    for layer in reversed(range(len(slopes))):
        of_w = delta.T @ activations[layer]
        layers.append((of_w, delta.sum(axis=0)))
        if layer:
            delta = (delta @ (step.before.weights[layer] - step.eta * of_w)) * slopes[layer - 1]
    of_weights, of_biases = zip(*reversed(layers), strict=True)
    return Network(of_weights, of_biases)


def _factor(blocks: list[Block]) -> float | None:
    """The number, other than 1, that makes what was done of what was right in all of these blocks."""
    top = max(blocks, key=lambda block: float(np.max(np.abs(block.exact))) / (block.allowed or 1.0))
    square = float(np.sum(top.exact**2))
    factor = float(np.sum(top.implied * top.exact)) / square if square else 1.0
    if not np.isfinite(factor) or abs(factor - 1) < CLOSE or factor == 0:
        return None
    fits = all(_equal(block.implied, factor * block.exact, block.allowed) for block in blocks)
    return factor if fits else None


def _is(step: Step, guess: Network) -> bool:
    """Whether the guess is what was done."""
    guessed = by_name(guess)
    return all(_equal(block.implied, guessed[block.name], block.allowed) for block in step.blocks())


def _equal(done: Array, guess: Array, allowed: float) -> bool:
    return bool(np.max(np.abs(done - guess)) <= allowed + CLOSE * np.max(np.abs(guess)))


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= CLOSE * 10 * abs(b)


def _times(factor: float) -> str:
    if _near(factor, 2):
        return "twice too large"
    return "half of what it should be" if _near(factor, 0.5) else f"{factor:.3g} times what it should be"


def _of_mean(factor: float, step: Step) -> str:
    batch, outputs = step.y.shape
    reasons = [
        (-1, "the sign is wrong, it goes up the gradient"),
        (batch, "the division by the batch is missing"),
        (1 / batch, "it is divided by the batch twice"),
        (-batch, "the sign is wrong, and the division by the batch is missing"),
        (2, "the cost here has the factor 1/2"),
        (0.5, "the cost's factor 1/2 is there twice"),
        (1 / outputs, "the cost here is summed over the outputs, no mean of them"),
        (2 / outputs, "the cost here is half the sum over the outputs, no mean of them"),
        (1 / (batch * outputs), "it is divided by the batch twice, or by the outputs"),
    ]
    why = next((f": {words}" for number, words in reasons if number != 1 and _near(factor, number)), "")
    return f"{factor:.2f} times the mean gradient at batch {batch}{why}"
