"""Training runs, timed: epochs by several engines from one start, over the same mini-batches, side by side."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from math import isfinite, nan
from time import perf_counter
from typing import ParamSpec, TypeVar

import numpy as np

from backprop import Engine, EngineError, GradientError, InputError, Network
from backprop.check import hidden, verify
from backprop.errors import brief
from backprop.network import quiet
from backprop.training import accuracy, epoch

from ..cells.cell import Cell, format_sizes
from ..cells.datasets import Dataset
from ..cells.entry import Entry
from ..cells.isolation import filters_kept, is_interrupt, kept
from .slices import Clock
from .tracing import Paused

P = ParamSpec("P")
ReturnT = TypeVar("ReturnT")


@dataclass(frozen=True)
class Epoch:
    """One epoch of every engine, by name: how long it took, and its score on the test part after it, as of `score`."""

    number: int
    seconds: dict[str, float]
    scores: dict[str, float]


@dataclass(frozen=True)
class Pupil:
    """A contestant while it is trained, in a context of its own: numpy's error state is changed for no other."""

    contestant: Entry
    context: Context = field(default_factory=copy_context)

    def __post_init__(self) -> None:
        # In exp, of a saturated sigmoid: its result is right. What diverges is told of after the epoch.
        self.context.run(np.seterr, over="ignore", invalid="ignore")

    def fresh(self, network: Network) -> Engine:
        """A fresh engine; what making it has changed in this process is put back."""
        with kept():
            return self.contestant.make(network)

    def does(self, act: Callable[P, ReturnT], *args: P.args, **kwargs: P.kwargs) -> ReturnT:
        """What an act of the engine gives; EngineError, with the engine's name, where it raises."""
        try:
            with filters_kept():
                return self.context.run(act, *args, **kwargs)
        except BaseException as error:  # a user's engine may raise anything
            if is_interrupt(error):
                raise
            if isinstance(error, GradientError):
                raise GradientError(f"engine {self.contestant.name}: {error}") from error
            raise EngineError(f"engine {self.contestant.name}: {brief(error)}") from error


def train(
    contestants: Sequence[Entry],
    cell: Cell,
    dataset: Dataset,
    *,
    eta: float,
    epochs: int,
    seed: int,
    clock: Clock = perf_counter,
) -> Iterator[Epoch]:
    """Train the cell's network with each engine, yielding after each epoch; epochs take turns in random order.

    With the same seed every engine starts from the same network and sees the same mini-batches in the same
    order. First steps, with what they compile or try, are taken before. Raises InputError as `check` does and where the
    training diverges, and EngineError where an engine fails its gradient check, which comes first, or raises.
    """
    check(cell, dataset, eta)
    network = cell.network(np.random.default_rng(seed))
    pupils = {contestant.name: Pupil(contestant) for contestant in contestants}
    engines: dict[str, Engine] = {}
    for name, pupil in pupils.items():
        labels_only = pupil.contestant.labels_only
        pupil.does(verify, pupil.fresh, network, dataset.x_train, dataset.y_train, cell.batch, labels_only)
        engines[name] = pupil.does(pupil.fresh, network)
        pupil.does(_take_first_steps, engines[name], cell, dataset)

    _grow_the_heap(dataset)
    turns = np.random.default_rng(seed)
    shuffles = {name: np.random.default_rng([seed, 1]) for name in engines}
    for number in range(1, epochs + 1):
        seconds = {}
        for name in turns.permutation(list(engines)):
            seconds[name] = pupils[name].does(_timed_epoch, engines[name], cell, dataset, eta, shuffles[name], clock)
        now = {name: pupil.does(engines[name].network) for name, pupil in pupils.items()}
        scores = {name: score(network.like(each.weights, each.biases), dataset) for name, each in now.items()}
        if lost := [name for name, reached in scores.items() if not isfinite(reached)]:
            raise InputError(
                f"the training by {lost[0]} has diverged in epoch {number}, with {eta:g} as the learning rate of batch "
                f"{cell.batch}: its answers are no finite numbers; name a smaller --eta"
            )
        yield Epoch(number, {name: seconds[name] for name in engines}, scores)


@quiet
def score(network: Network, dataset: Dataset) -> float:
    """How well the network does on the test part: its accuracy, a share, or its cost where targets are no classes.

    NaN where it answers no numbers.
    """
    if not dataset.of_classes:
        return float(network.mean_cost(dataset.x_test, dataset.y_test))
    if not all(np.isfinite(block).all() for block in (*network.weights, *network.biases)):
        return nan
    return accuracy(network, dataset.x_test, dataset.y_test)


def able(contestants: Sequence[Entry], cell: Cell, dataset: Dataset) -> tuple[list[Entry], list[str]]:
    """Who can train the cell's network on these data; and of each other one, in a line, why it is left out.

    Raises InputError where nobody can.
    """
    network, field, left_out = cell.network(np.random.default_rng()), list[Entry](), list[str]()
    for each in contestants:
        reason = Pupil(each).does(each.handles, network)
        if not reason and each.labels_only and not dataset.of_classes:
            reason = f"it learns classes alone, and the targets of {dataset.name} are none"
        if reason:
            left_out.append(f"{each.name} is left out: it can't train this network: {reason}")
        else:
            field.append(each)
    if not field:
        raise InputError(f"no engine is left to train: {'; '.join(left_out)}")
    return field, left_out


def hidden_at(cell: Cell, dataset: Dataset, seed: int) -> list[str]:
    """The blocks whose gradient the check can't see on the cell's network of this seed, as of `backprop.check`."""
    network = cell.network(np.random.default_rng(seed))
    return hidden(network, dataset.x_train[: cell.batch], dataset.y_train[: cell.batch])


def check(cell: Cell, dataset: Dataset, eta: float) -> None:
    """Raises InputError where the network or the batch size does not fit the data, or eta is no learning rate."""
    if (dataset.n_in, dataset.n_out) != (cell.sizes[0], cell.sizes[-1]):
        raise InputError(
            f"sizes {format_sizes(cell.sizes)} do not fit {dataset.name}: they must begin with "
            f"{dataset.n_in} and end with {dataset.n_out}"
        )
    if cell.batch >= len(dataset.x_train):
        raise InputError(f"batch must be below {len(dataset.x_train)}, the training samples of {dataset.name}")
    if not (isfinite(eta) and eta > 0):
        raise InputError(f"eta must be a positive number, not {eta:g}")


def _take_first_steps(engine: Engine, cell: Cell, dataset: Dataset) -> None:
    """A step of each batch length that an epoch has; with eta = 0 it leaves the network as it is."""
    samples = len(dataset.x_train)
    for batch in {cell.batch, samples % cell.batch or cell.batch}:
        engine.step(dataset.x_train[:batch], dataset.y_train[:batch], 0.0)


def _grow_the_heap(dataset: Dataset) -> None:
    """Make the shuffled copies of an epoch once: the first engine in a process would pay for their pages."""
    order = np.arange(len(dataset.x_train))
    _ = dataset.x_train[order], dataset.y_train[order]


def _timed_epoch(
    engine: Engine, cell: Cell, dataset: Dataset, eta: float, rng: np.random.Generator, clock: Clock
) -> float:
    with Paused():
        gc.disable()
        try:
            start = clock()
            epoch(engine, dataset.x_train, dataset.y_train, cell.batch, eta, rng)
            return clock() - start
        finally:
            gc.enable()
