"""A cell: all that a race holds fixed, made from what a user asks for, or refused in a line."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args
from unicodedata import category

import msgspec
import numpy as np

from backprop import InputError, Network
from backprop.functions import HEAD, HIDDEN, Head, check_hidden, head_named

from . import capacity, processors
from .processors import cores, most_threads

DType = Literal["float32", "float64"]
UNFIT = ("Cs", "Cc", "Zl", "Zp")  # by Unicode: halves of what is no UTF-8, control characters, ends of lines


class Setting(NamedTuple):
    """What times are compared within: the machine, and all of a cell but its sizes, batch and data.

    What a race comes to hold fixed joins here, and then counts everywhere; in a frame, a column for each field.
    """

    machine: str
    dtype: str
    threads: int
    hidden: str = HIDDEN
    head: str = HEAD

    def __str__(self) -> str:
        """Without the machine, as in a cell's id: float64-t1, or float64-t1-relu-softmax-cross-entropy."""
        functions = [self.hidden] * (self.hidden != HIDDEN) + [self.head] * (self.head != HEAD)
        return "-".join([self.dtype, f"t{self.threads}", *functions])

    @property
    def told(self) -> tuple[str, ...]:
        """Without the machine, each in words; of the functions, those that are not the default."""
        return self.dtype, f"BLAS threads: {self.threads}", *self.functions

    @property
    def functions(self) -> tuple[str, ...]:
        """Those of the network that are not the default, in words."""
        by_default = functions_told(HIDDEN, HEAD)
        return tuple(told for told in functions_told(self.hidden, self.head) if told not in by_default)


def functions_told(hidden: str, head: str) -> tuple[str, str]:
    """The functions of hidden layers, and those of the top, in words."""
    top = head_named(head)
    return f"{hidden} hidden layers", f"{top.top.name} output under {top.cost} cost"


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One setting of everything that a race holds fixed.

    sizes: units in each layer, inputs first. data: "random", where a slice is some steps on one random
    mini-batch; or a data set's name, where a slice is one epoch over its training part. hidden: the activation of the
    hidden layers; head: the last layer's with the cost, as in backprop/functions.py.
    """

    sizes: tuple[int, ...]
    batch: int
    dtype: DType = "float64"
    threads: int = 1
    data: str = "random"
    hidden: str = HIDDEN
    head: str = HEAD

    @property
    def id(self) -> str:
        """The cell in one word, such as 784-30-10-b10-float64-t1."""
        word = f"{format_sizes(self.sizes)}-b{self.batch}-{self.setting_on()}"
        return word if self.data == "random" else f"{word}-{self.data}"

    def setting_on(self, machine: str = "") -> Setting:
        return Setting(machine, self.dtype, self.threads, self.hidden, self.head)

    @property
    def top(self) -> Head:
        """The head, in what it does."""
        return head_named(self.head)

    def network(self, rng: np.random.Generator) -> Network:
        """A random network of the cell's sizes, functions and dtype."""
        activations = [self.hidden] * (len(self.sizes) - 2) + [self.top.top.name]
        return Network.random(self.sizes, rng, self.dtype, activations, self.top.cost)

    @property
    def bare(self) -> Cell:
        """The same batch, depth and functions with one unit a layer: a step of it is calls, and little else."""
        return msgspec.structs.replace(self, sizes=(1,) * len(self.sizes))

    @property
    def alone(self) -> Cell:
        """The same network at a batch of one."""
        return msgspec.structs.replace(self, batch=1)

    @property
    def parameters(self) -> int:
        """Weights and biases of the cell's network."""
        return sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(self.sizes))

    @property
    def flops(self) -> int:
        """Floating-point operations in the products of a step: the first layer has two, the others three."""
        forward = [2 * self.batch * n_in * n_out for n_in, n_out in itertools.pairwise(self.sizes)]
        return 3 * sum(forward) - forward[0]

    @property
    def least_bytes(self) -> int:
        """Bytes that a step must move, however it is made: each parameter read and written, each input and target read.

        Each of them once, in the cell's dtype: they are there before the step, and the parameters after it. Not counted
        are activations, deltas and gradients: they are made and used up within a step, which may keep them in a cache.
        """
        numbers = 2 * self.parameters + self.batch * (self.sizes[0] + self.sizes[-1])
        return numbers * np.dtype(self.dtype).itemsize


def make_cell(
    sizes: str,
    batch: int,
    dtype: str,
    threads: int,
    data: str = "random",
    *,
    hidden: str = HIDDEN,
    head: str = HEAD,
    here: bool = True,
) -> Cell:
    """A cell that this machine, if it is `here`, can race; InputError names what is wrong and what is accepted."""
    check_name(data, "data set")
    if batch < 1:
        raise InputError(f"batch must be 1 or more, not {batch}")
    check_dtype(dtype)
    if threads < 1 or (here and threads > cores()):
        bound = f"from 1 to {cores()}, the cores of this machine" if here else "1 or more"
        raise InputError(f"threads must be {bound}, not {threads}")
    given = processors.cpus() if here and threads > 1 else None
    if given and threads > most_threads(cores(), given):
        raise InputError(
            f"threads must be at most {most_threads(cores(), given)}, not {threads}: this process has "
            f"{processors.told(given)}"
        )
    check_hidden(hidden)
    units = parse_sizes(sizes)
    if len(units) == 2 and hidden != HIDDEN:
        raise InputError(f"sizes {sizes} have no hidden layer to be {hidden}: name one, as in 784-30-10")
    if head_named(head).shares and units[-1] == 1:
        raise InputError(f"{head} needs two outputs or more: of one, the share is always 1")
    cell = Cell(units, batch, dtype, threads, data, hidden, head)  # type: ignore[arg-type]  # checked above
    if here:
        capacity.refuse_too_large(cell)
    return cell


def check_dtype(dtype: str) -> None:
    """InputError where nothing is raced in such numbers."""
    if dtype not in get_args(DType):
        raise InputError(f"unknown dtype {dtype!r}: there are {' and '.join(get_args(DType))}")


def check_name(name: str, what: str) -> None:
    """InputError for a name that no record can hold, or that is more than one line of text: `what` it names."""
    if bad := next((character for character in name if category(character) in UNFIT), None):
        way_out = "rename it, or set LC_ALL=C.UTF-8" if category(bad) == "Cs" else "rename it"
        raise InputError(f"{what} {name!a} has {bad!a} in its name, which is no text for a record: {way_out}")


def parse_batches(text: str) -> list[int]:
    """Batch sizes from text such as 10 or 1,10,100."""
    batches = _counts(part.strip() for part in text.split(","))
    if not batches or len(set(batches)) < len(batches):
        raise InputError(f"--batch takes different whole numbers of 1 or more, such as 10 or 1,10,100, not {text!r}")
    return batches


def parse_sizes(text: str) -> tuple[int, ...]:
    """Layer sizes from text such as 784-30-10."""
    sizes = _counts(text.split("-"))
    if len(sizes) < 2:
        raise InputError(f"sizes must be two or more positive numbers such as 784-30-10, not {text!r}")
    return tuple(sizes)


def _counts(parts: Iterable[str]) -> list[int]:
    """The whole numbers of 1 or more that these are; none where one of them is something else."""
    counts = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
    return counts if all(counts) else []


def format_sizes(sizes: tuple[int, ...]) -> str:
    """The inverse of parse_sizes."""
    return "-".join(str(size) for size in sizes)
