"""Is an engine's step a step down the gradient, whatever it did before?  Asked before anything is timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..engine import Engine
from ..errors import GradientError
from ..network import Array, Network
from .diagnosis import explain, explain_change
from .gradient import Step, by_name, clear_of_kinks, forward, reference_gradient, tolerance
from .probe import probe

Make = Callable[[Network], Engine]
Pair = tuple[Array, Array]

SHORT = 37  # samples in the shorter batch, at the most: in few, each counts for much, and it costs little
STEPS = (3, 7)  # taken before the last, long one: the fewest, and as many as small networks get
WORK = 1e6  # multiply-adds of a forward pass in all these steps, about, where the fewest are less
FAR = 32.0
CLOSE = 2.0**-10  # how near targets are to the answer, relatively, to tell an engine's precision
TOLD_BY = 8  # parameters, at the least, that tell an engine's precision


def verify(make: Make, network: Network, x: Array, y: Array, batch: int, labels_only: bool = False) -> float:
    """Check fresh engines at `batch` and at a shorter, ragged length; return the worst error, relative to magnitude.

    First on a network made for it, where rounding hides nothing, by a row of steps of changing length, each of
    them checked; then by one step on this network, where it sees as much as rounding lets it (`hidden` tells).
    x and y hold at least `batch` samples; labels_only is what the engine says of itself.

    Raises GradientError; whatever the engine itself raises passes through.
    """
    other = min(batch // 2, SHORT) if batch > 3 else batch + 1
    lengths = (batch, other) if batch > 1 else (other, batch)  # a mean that is forgotten shows at once
    plain, plain_x, plain_y = probe(network, sum(lengths) + 1, labels_only)
    row = _row(make, plain, plain_x, plain_y, lengths)
    few = clear_of_kinks(plain, plain_x[: min(lengths)])
    _refuse_other_precision(make, plain, few, plain_y[: len(few)] if labels_only else _all_but_answered(plain, few))
    given = network.copy()
    error = _judge(take(make(network), network, x[:batch], y[:batch], reach=FAR))
    _refuse_changes("the engine, in the network that it was given,", given, network)
    return max(row, error)


def verify_again(make: Make, engine: Engine, network: Network, x: Array, y: Array) -> float:
    """Check an engine that has taken steps, as it is now, on x (batch, n_in) and y; return the worst error.

    network: one with the functions of that which it was made from. It takes a few steps and is far away afterwards: use
    it no more. Raises as `verify` does.
    """
    right: set[int] = set()
    buffers = np.empty_like(x), np.empty_like(y)
    for number in range(STEPS[0] + 1):
        turned_x, turned_y = (np.roll(array, number, axis=0) for array in (x, y))
        step = take(engine, network, turned_x, turned_y, reach=FAR if number == STEPS[0] else None, buffers=buffers)
        error = _judge(step, right, make)
    return error


def hidden(network: Network, x: Array, y: Array) -> list[str]:
    """The blocks in whose gradient, on x (batch, n_in) and y, an error of a tenth would be lost in rounding.

    Their terms cancel so nearly that the dtype can't tell: nothing about any engine.
    """
    limit = tolerance(network, len(x))
    gradient, magnitude = reference_gradient(network, x, y)
    sizes = by_name(magnitude)
    return [
        name for name, exact in by_name(gradient).items() if np.max(np.abs(exact)) <= 10 * limit * np.max(sizes[name])
    ]


def take(
    engine: Engine, network: Network, x: Array, y: Array, *, reach: float | None, buffers: Pair | None = None
) -> Step:
    """Let the engine take one step, on copies of x, clear of kinks, and y, in `buffers` if given; what it did.

    The parameters are those that it has now, the functions those of `network`, which it was made from.

    reach: how many times as long as the parameters the step may be, by its magnitude, in every block. If that is
    FAR the subtraction loses nothing, and a layer that is updated before the error has passed through it shows;
    the network is spoilt. With None no z of a unit moves by more than a quarter or so. Raises GradientError where
    x or y has been changed, or network() is of another shape or dtype than before.
    """
    now = engine.network()
    _refuse_other_kind(now, network, "before a step")
    before = network.like(now.weights, now.biases).copy()
    x = clear_of_kinks(before, x)
    exact, magnitude = reference_gradient(before, x, y)
    sizes = {name: float(np.max(block)) for name, block in by_name(magnitude).items()}
    if reach:
        longest = [float(np.max(np.abs(old))) / sizes[name] for name, old in by_name(before).items() if sizes[name]]
        eta = reach * max(longest, default=1.0)
    else:
        moves = [n * sizes[f"weights[{i}]"] + sizes[f"biases[{i}]"] for i, n in enumerate(before.sizes[:-1])]
        eta = 0.25 / (max(moves) or 1.0)
    largest = float(np.finfo(before.dtype).max) ** 0.5
    eta = float(before.dtype.type(min(eta, largest)))  # as the engine's dtype has it
    _step_on_copies(engine, x, y, eta, buffers)
    after = engine.network()
    _refuse_other_kind(after, before, "after a step")
    return Step(before, x, y, eta, after, exact, magnitude)


def _row(make: Make, network: Network, x: Array, y: Array, lengths: tuple[int, int]) -> float:
    """A row of checked steps of these two lengths in turn by one engine, the last of them far; the worst error of that.

    Each step has other samples, in arrays of which there is one for each length, as a loop over a data set has: what
    an engine keeps by length, or by the address of an array, is stale.
    """
    given = network.copy()
    engine = make(network)
    _refuse_other_kind(engine.network(), network, "before any step")
    _refuse_changes("__init__", network, engine.network())
    buffers = {length: (np.empty_like(x[:length]), np.empty_like(y[:length])) for length in lengths}
    _step_on_copies(engine, x[: lengths[0]], y[: lengths[0]], 0.0, buffers[lengths[0]])
    now = engine.network()
    _refuse_changes("a step with eta = 0", network, now, explain_change(network, x[: lengths[0]], y[: lengths[0]], now))
    right: set[int] = set()
    cost = sum(w.size for w in network.weights) * sum(lengths) / 2
    near = int(np.clip(WORK / cost, *STEPS))
    start = 0
    for number in range(near + 1):
        length = lengths[number % 2]
        chosen = np.arange(start, start := start + length) % len(x)
        step = take(
            engine, network, x[chosen], y[chosen], reach=FAR if number == near else None, buffers=buffers[length]
        )
        error = _judge(step, right, make)
    _refuse_changes("the engine, in the network that it was given,", given, network)
    return error


@np.errstate(all="ignore")
def _judge(step: Step, right: set[int] | None = None, make: Make | None = None) -> float:
    """The worst error of a step; where a block is wrong, GradientError with the likely cause.

    right: the lengths at which the engine's steps were right up to now; this one's is added. make: of the engine, where
    what it did before may be the cause.
    """
    right = set() if right is None else right
    blocks = list(step.blocks())
    wrong = next((block for block in blocks if not block.right), None)
    if wrong:
        fresh_is_right = make is not None and _fresh_is_right(make, step)
        cause = explain(step, right, fresh_is_right)
        raise GradientError(
            f"the gradient of {wrong.name} is off by {wrong.error:.1e} of its magnitude at batch {len(step.x)}; "
            f"rounding allows {wrong.allowed / (wrong.size or 1.0):.1e}{cause and f'; {cause}'}"
        )
    right.add(len(step.x))
    return max(block.error for block in blocks)


def _fresh_is_right(make: Make, step: Step) -> bool:
    """Whether the same step from the same parameters is right where no other was taken before."""
    engine = make(step.before)
    engine.step(step.x.copy(), step.y.copy(), step.eta)
    return all(block.right for block in replace(step, after=engine.network()).blocks())


def _all_but_answered(network: Network, x: Array) -> Array:
    """Targets that are all but what the network answers to x (batch, n_in)."""
    answer = forward(network, x)[0][-1]
    y = answer * (1 + CLOSE * np.linspace(1, 2, answer.size).reshape(answer.shape))
    return (y / y.sum(axis=1, keepdims=True) if network.head.shares else y).astype(network.dtype)


def _refuse_other_precision(make: Make, network: Network, x: Array, y: Array) -> None:
    """Refuse an engine that works with more digits than its dtype has, or fewer, whatever network() says.

    Where the targets are all but the answer a rounding to float32 anywhere on the way up, of one activation, is a
    thousand times larger in the difference of the two. What comes out is then the float32 nearest to the exact
    result by rare chance; where the arithmetic is float64's it is that in every parameter. And in so few samples
    no right engine tried has needed a tenth of what is asked for here.
    """
    step = take(make(network), network, x, y, reach=FAR / CLOSE**2)
    _judge(step)
    coarse = next((block for block in step.blocks() if block.error * block.size > block.allowed / 4), None)
    if coarse:
        raise GradientError(
            f"the gradient of {coarse.name} is off by {coarse.error:.1e} of its magnitude at batch {len(x)}: "
            f"the engine works in another precision than this cell, of fewer digits than {network.dtype} has"
        )
    if network.dtype == np.float32:
        _refuse_double(step)


@np.errstate(all="ignore")
def _refuse_double(step: Step) -> None:
    nearest = [
        (new == (old - step.eta * exact).astype(np.float32))[np.abs(step.eta * exact) >= np.abs(old)]
        for old, new, exact in zip(*(by_name(at).values() for at in (step.before, step.after, step.exact)), strict=True)
    ]
    told = np.concatenate(nearest)
    if len(told) >= TOLD_BY and np.mean(told) > 0.9:
        raise GradientError(
            f"the step is exact to more digits than float32 has, in {np.mean(told):.0%} of {len(told)} parameters: "
            "the engine works in another precision than this cell"
        )


def _refuse_other_kind(network: Network, before: Network, when: str) -> None:
    if network.dtype != before.dtype:
        raise GradientError(
            f"network() is {network.dtype} where {before.dtype} was given: "
            "the engine works in another precision than this cell"
        )
    if network.sizes != before.sizes:
        raise GradientError(f"network() is of {network.sizes} {when}, where {before.sizes} was given")
    knows = hasattr(network, "activations")  # not that of an old revision's engine
    if knows and (network.activations, network.cost) != (before.activations, before.cost):
        raise GradientError("network() has lost its activations or its cost: network.like(weights, biases) keeps them")


def _refuse_changes(culprit: str, before: Network, after: Network, cause: str = "") -> None:
    for (name, old), new in zip(by_name(before).items(), by_name(after).values(), strict=True):
        if not np.array_equal(old, new):
            raise GradientError(f"{culprit} changed {name}{cause and f': {cause}'}")


def _step_on_copies(engine: Engine, x: Array, y: Array, eta: float, buffers: Pair | None = None) -> None:
    """One step on copies of x and y, refused where it changes them."""
    own_x, own_y = buffers or (np.empty_like(x), np.empty_like(y))
    own_x[...], own_y[...] = x, y
    engine.step(own_x, own_y, eta)
    for label, array, original in (("x", own_x, x), ("y", own_y, y)):
        if not np.array_equal(array, original):
            raise GradientError(f"the step changed its input {label}; an engine leaves what it is given alone")
