"""`backprop-bench train`: train a network by several engines side by side, for some epochs or to an accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from backprop import InputError
from backprop.functions import HEAD, HIDDEN, head_named
from backprop.packages import needed_by

from ..cells import address, datasets, entry
from ..cells.cell import make_cell, parse_batches
from ..terminal.console import warn, warn_of
from ..timing import machine
from ..timing.one_pass import among
from ..timing.to_accuracy import Goal
from ..timing.training import able
from .options import Allocator, DType, HeadName, Hidden, Threads, one_text, path_option


def train(
    engines: Annotated[
        str, typer.Option("--engines", "--engine", "--compare", help="Engines to train side by side: a,b,...")
    ] = "full_matrix",
    dataset: Annotated[str, typer.Option("--data", help="mnist5k, digits, or an .npz with x and y.")] = "mnist5k",
    sizes: Annotated[str | None, one_text("Units in each layer; by default one hidden layer of 30.")] = None,
    batch: Annotated[str, typer.Option(help="Samples in a mini-batch; with a target a list: 1,10,100.")] = "10",
    eta: Annotated[
        float | None,
        typer.Option(
            help="The learning rate; by default the head's. With --to-accuracy or --to-cost the one at batch 10, for "
            "every engine: smaller batches have it in proportion to their size, larger ones as it is.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, help="Passes over the training part: 10; with a target the limit: 100.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first network and of the order of samples.")] = 0,
    accuracy: Annotated[
        float | None,
        typer.Option("--to-accuracy", help="Train until this share of the test part is right, such as 0.85."),
    ] = None,
    cost: Annotated[
        float | None,
        typer.Option("--to-cost", help="The same where targets are no classes: until the test cost is so low."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="With a target: how many seeds, from --seed on: 5.", show_default=False),
    ] = None,
    out: Annotated[Path | None, path_option("With a target: add the records to this folder's training.jsonl.")] = None,
    dtype: DType = "float64",
    hidden: Hidden = HIDDEN,
    head: HeadName = HEAD,
    threads: Threads = 1,
    baseline: Annotated[
        str | None,
        typer.Option(help="The engine that the others are compared with: the first of them.", show_default=False),
    ] = None,
    allocator: Allocator = "pinned",
) -> None:
    """Train a network by several engines side by side: seconds and test accuracy, or test cost, of each epoch.

    With --to-accuracy, or --to-cost where targets are no classes: seconds and epochs until that is reached, for each
    batch size, over several seeds.
    """
    with needed_by("train"):
        from ..terminal import live_training

    field = entry.resolve(address.addresses(engines))
    relative_to = among(baseline, field)
    field.sort(key=lambda one: one.name != relative_to)  # the first is what the others are compared with
    rate = head_named(head).eta if eta is None else eta
    learned = datasets.read(dataset, dtype, head)
    for remark in learned.remarks:
        warn(f"{dataset}: {remark}")
    sizes = f"{learned.n_in}-30-{learned.n_out}" if sizes is None else sizes
    cells = [
        make_cell(sizes, each, dtype, threads, learned.name, hidden=hidden, head=head) for each in parse_batches(batch)
    ]
    if accuracy is not None and cost is not None:
        raise InputError("--to-accuracy and --to-cost are two goals: name one")
    if accuracy is None and cost is None:
        asked = {"--seeds": seeds is not None, "--out": out is not None, "a list for --batch": len(cells) > 1}
        if given := [option for option, is_given in asked.items() if is_given]:
            target = "--to-accuracy 0.85" if learned.of_classes else "--to-cost 0.1"
            raise InputError(f"{given[0]} goes with {target.split()[0]} only: add, say, {target}")
    field, left_out = able(field, cells[0], learned)
    if relative_to and relative_to not in [one.name for one in field]:
        raise InputError(f"the baseline {next(line for line in left_out if line.startswith(relative_to))}")
    for line in left_out:
        warn(line)
    if allocator == "pinned":
        machine.pin_allocator()
    with machine.alone(threads):
        environment, throttled = machine.environment(), machine.watch()
        if accuracy is None and cost is None:
            live_training.train_for(epochs or 10, field, cells[0], learned, rate, seed)
        else:
            limit = epochs or 100
            goal = Goal(accuracy, limit, rate) if accuracy is not None else Goal(cost or 0.0, limit, rate, "cost")
            live_training.train_to(goal, field, cells, learned, range(seed, seed + (seeds or 5)), out)
    warn_of([msgspec.structs.replace(environment, throttled=throttled())])
