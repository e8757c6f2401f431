"""The command line: each command is a few calls whose names tell the story."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from inspect import getdoc
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from threadpoolctl import threadpool_limits

import backprop
from backprop import EngineError, InputError, data

from . import contestants, grid, machine, records

console = Console()
app = typer.Typer(
    help="How much faster is backprop over a whole mini-batch than sample by sample?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Sizes = Annotated[str, typer.Option(help="Units in each layer, inputs first.")]
Batch = Annotated[int, typer.Option(help="Samples in a mini-batch.")]
DType = Annotated[str, typer.Option(help="float32 or float64.")]
Threads = Annotated[int, typer.Option(help="BLAS threads.")]
Allocator = Annotated[
    Literal["pinned", "default"], typer.Option(help="Pin glibc's thresholds for steady timings, or leave them alone.")
]


def main() -> NoReturn:
    """Run the command line. Exit status: 0 fine, 1 an engine failed, 2 the call or its input is wrong."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except (InputError, typer.TyperException) as error:
        complain(error.format_message() if isinstance(error, typer.TyperException) else str(error), 2)
    except EngineError as error:
        complain(str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted", 130)


def complain(message: str, status: int) -> NoReturn:
    """One line on standard error; none where typer has already printed the help that was asked for."""
    if message:
        print(f"backprop-bench: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)


@app.command()
def engines() -> None:
    """List what can be raced, and what an engine that is not available needs."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in backprop.names():
        try:
            about = (getdoc(backprop.load(name)) or "").partition("\n")[0]
        except InputError as error:
            about = str(error)
        table.add_row(name, escape(about))
    console.print(table)
    console.print("or your own: the path of a .py file that defines one subclass of backprop.Engine")


@app.command()
def race(
    engines: Annotated[list[str], typer.Argument(help="Engines to race: names, or paths of your own .py files.")],
    sizes: Sizes = "784-30-10",
    batch: Batch = 10,
    dtype: DType = "float64",
    threads: Threads = 1,
    seconds: Annotated[float, typer.Option(help="Time to race for.")] = 5.0,
    json: Annotated[Path | None, typer.Option(help="Write the record, with every slice, to this file.")] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Time several engines side by side in one cell; speedups are relative to per_sample, or to the first."""
    from . import report
    from .race import race as run_race

    cell = grid.make_cell(sizes, batch, dtype, threads)
    field = contestants.resolve(engines)
    if allocator == "pinned":
        machine.pin_allocator()
    with records.written_whole(json) if json else nullcontext() as temporary:
        with bar() as progress:
            task = progress.add_task(cell.id, total=1.0)
            record = run_race(
                cell,
                field,
                seconds=seconds,
                rng=np.random.default_rng(),
                progress=lambda share: progress.update(task, completed=share, refresh=True),
            )
        if temporary:
            temporary.write_bytes(records.dump(record))
    show(report.describe([record]))
    return int(bool(record.failures))


@app.command()
def train(
    engine: Annotated[str, typer.Option(help="The engine to train with.")] = "full_matrix",
    compare: Annotated[str | None, typer.Option(help="Engines to train side by side instead: a,b,...")] = None,
    dataset: Annotated[str, typer.Option("--data", help="mnist5k, digits, or an .npz with x and y.")] = "mnist5k",
    sizes: Annotated[str | None, typer.Option(help="Units in each layer; by default one hidden layer of 30.")] = None,
    batch: Batch = 10,
    eta: Annotated[float, typer.Option(help="The learning rate.")] = 3.0,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training part.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the first network and of the order of samples.")] = 0,
    dtype: DType = "float64",
    threads: Threads = 1,
    allocator: Allocator = "pinned",
) -> None:
    """Train a network, with test accuracy and seconds for each epoch; --compare puts engines side by side."""
    from . import report
    from .train import train as run_epochs

    field = contestants.resolve(compare.split(",") if compare else [engine])
    learned = data.load(dataset, dtype)
    cell = grid.make_cell(sizes or f"{learned.n_in}-30-{learned.n_out}", batch, dtype, threads, learned.name)
    if allocator == "pinned":
        machine.pin_allocator()
    lessons = report.Lessons([contestant.name for contestant in field])
    with threadpool_limits(limits=threads, user_api="blas"), bar() as progress:
        task = progress.add_task(f"{cell.id}, eta {eta:g}", total=epochs)
        for finished in run_epochs(field, cell, learned, eta=eta, epochs=epochs, seed=seed):
            show(lessons.add(finished))
            progress.update(task, advance=1, refresh=True)
    show(lessons.conclude())


@app.command(name="report")
def rebuild(folder: Annotated[Path, typer.Argument(help="A results folder with a cells.jsonl.")]) -> None:
    """Rebuild a results folder's table and plots from its records, and print the summary."""
    from . import report

    show(report.build(folder))


def bar() -> Progress:
    """A progress bar that is drawn between timings, not by a thread of its own beside them."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, auto_refresh=False, transient=True, disable=not console.is_terminal)


def show(parts: Iterable[str | Table]) -> None:
    """Print lines and tables, wrapped to the terminal's width."""
    for part in parts:
        console.print(part, highlight=False)
