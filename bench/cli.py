"""The command line: each command is a few calls whose names tell the story."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from inspect import getdoc
from pathlib import Path
from traceback import print_exc
from typing import Annotated, Any, Literal, NoReturn

import msgspec
import numpy as np
import typer

import backprop
from backprop import EngineError, InputError
from backprop.packages import needed_by

from . import FAULT
from .cells import datasets, entry, grids, revisions
from .cells.cell import make_cell, parse_batches
from .cells.isolation import end_children
from .gate.blame import lacks_memory
from .records import outputs, store
from .records.record import Record
from .report.document import Table
from .report.figures import style
from .terminal.console import INTERRUPTED, complain, refusal, show, warn, warn_of
from .terminal.progress import Countdown, SweepBar, bar
from .terminal.streams import patient
from .timing import machine
from .timing.to_accuracy import Goal

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


def path_option(about: str) -> Any:
    """An option for a file or a folder; Path alone would take an empty name for the current folder."""

    def parse(name: str) -> Path:
        if not name:
            raise typer.BadParameter("the name is empty: give one, or leave the option out")
        return Path(name)

    return typer.Option(help=about, parser=parse, metavar="PATH")


Allocator = Annotated[
    Literal["pinned", "default"], typer.Option(help="Pin glibc's thresholds for steady timings, or leave them alone.")
]


def main() -> NoReturn:
    """Run the command line.

    Exit status: 0 fine; 1 an engine failed or is slower; 2 a wrong call, or the machine refuses; 3 can't tell; 70 a
    fault of ours, with its traceback.
    """
    with ExitStack() as stack:
        stack.callback(end_children)
        stack.enter_context(patient())
        try:
            status = app(standalone_mode=False) or 0
        except (InputError, typer.TyperException) as error:
            complain(error.format_message() if isinstance(error, typer.TyperException) else str(error), 2)
        except EngineError as error:
            complain(str(error), 2 if lacks_memory(str(error)) else 1)
        except (OSError, MemoryError) as error:
            complain(refusal(error), 2)
        except (KeyboardInterrupt, typer.Abort):
            status = INTERRUPTED
        except Exception:
            print_exc()
            complain("this is a fault of backprop-bench itself; what it is, the lines above tell", FAULT)
        if status == INTERRUPTED:  # typer may also return it
            complain("interrupted", status)
        sys.exit(status)


def status_of(found: Iterable[Record]) -> int:
    """0 where no contestant failed, 1 where one did by its own fault, 2 where all that was missing is memory."""
    failures = [lacks_memory(result.left_out or "") for record in found for result in record.failures]
    return 0 if not failures else 2 if all(failures) else 1


@app.command()
def engines() -> None:
    """List what can be raced, and what an engine that is not available needs."""
    lines = []
    for name in backprop.names():
        try:
            about = (getdoc(backprop.load(name)) or "").partition("\n")[0]
        except InputError as error:
            about = str(error)
        lines.append([name, about])
    own = "or your own: the path of a .py file that defines one subclass of backprop.Engine"
    show([Table((), lines, left=(0, 1), wraps=(1,)), own])


@app.command()
def race(
    engines: Annotated[
        list[str] | None, typer.Argument(help="Engines to race: names, or paths of your own .py files.")
    ] = None,
    listed: Annotated[str | None, typer.Option("--engines", "--engine", help="The same as a list: a,b,...")] = None,
    sizes: Sizes = "784-30-10",
    batch: Batch = 10,
    dtype: DType = "float64",
    threads: Threads = 1,
    seconds: Annotated[float, typer.Option(help="Time to race for.")] = 5.0,
    floor: Annotated[bool, typer.Option(help="Race the products of a step alone, too.")] = True,
    json: Annotated[Path | None, path_option("Write the record, with every slice, to this file.")] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Time several engines side by side in one cell; speedups are relative to per_sample, or to the first."""
    with needed_by("the report"):
        style.load_matplotlib()
        from .analysis import frame
        from .report import races
    from .timing.race import Job
    from .timing.race import race as run_race

    cell = make_cell(sizes, batch, dtype, threads)
    named = entry.addresses(*(engines or ()), *([] if listed is None else [listed]))
    if not named:
        raise InputError("Missing argument: name the engines to race, such as per_sample full_matrix")
    job = Job(cell, entry.resolve(named), seconds, floor, allocator == "pinned")
    with outputs.claimed({"--json": json}, read=[name for name in named if name.endswith(".py")]) as files:
        with bar() as progress:
            task = progress.add_task(cell.id, total=1.0)
            record = run_race(job, progress=lambda share: progress.update(task, completed=share, refresh=True))
        try:
            outputs.write_each(files, {"--json": partial(store.dump, record)})
        finally:
            show(races.describe([record], frame.frame([record])))
    warn_of([record.environment])
    return status_of([record])


@app.command()
def train(
    engines: Annotated[
        str, typer.Option("--engines", "--engine", "--compare", help="Engines to train side by side: a,b,...")
    ] = "full_matrix",
    dataset: Annotated[str, typer.Option("--data", help="mnist5k, digits, or an .npz with x and y.")] = "mnist5k",
    sizes: Annotated[str | None, typer.Option(help="Units in each layer; by default one hidden layer of 30.")] = None,
    batch: Annotated[str, typer.Option(help="Samples in a mini-batch; with --to-accuracy a list: 1,10,100.")] = "10",
    eta: Annotated[
        float,
        typer.Option(
            help="The learning rate. With --to-accuracy the one at batch 10, for every engine: "
            "smaller batches have it in proportion to their size, larger ones as it is."
        ),
    ] = 3.0,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, help="Passes over the training part: 10; with --to-accuracy the limit: 100.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first network and of the order of samples.")] = 0,
    accuracy: Annotated[
        float | None,
        typer.Option("--to-accuracy", help="Train until this share of the test part is right, such as 0.85."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="With --to-accuracy: how many seeds, from --seed on: 5.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, path_option("With --to-accuracy: add the records to this folder's training.jsonl.")
    ] = None,
    dtype: DType = "float64",
    threads: Threads = 1,
    allocator: Allocator = "pinned",
) -> None:
    """Train a network by several engines side by side: seconds and test accuracy of each epoch.

    With --to-accuracy: seconds and epochs until that accuracy is reached, for each batch size, over several seeds.
    """
    with needed_by("train"):
        from .terminal import live_training

    field = entry.resolve(entry.addresses(engines))
    learned = datasets.read(dataset, dtype)
    for remark in learned.remarks:
        warn(f"{dataset}: {remark}")
    sizes = sizes or f"{learned.n_in}-30-{learned.n_out}"
    cells = [make_cell(sizes, each, dtype, threads, learned.name) for each in parse_batches(batch)]
    if accuracy is None:
        asked = {"--seeds": seeds is not None, "--out": out is not None, "a list for --batch": len(cells) > 1}
        if given := [option for option, is_given in asked.items() if is_given]:
            raise InputError(f"{given[0]} goes with --to-accuracy only: add, say, --to-accuracy 0.85")
    if allocator == "pinned":
        machine.pin_allocator()
    with machine.alone(threads):
        environment, throttled = machine.environment(), machine.watch()
        if accuracy is None:
            live_training.train_for(epochs or 10, field, cells[0], learned, eta, seed)
        else:
            goal = Goal(accuracy, epochs or 100, eta)
            live_training.train_to(goal, field, cells, learned, range(seed, seed + (seeds or 5)), out)
    warn_of([msgspec.structs.replace(environment, throttled=throttled())])


@app.command()
def sweep(
    grid_name: Annotated[str, typer.Option("--grid", help="A named grid (smoke, default, full) or a .toml file.")],
    engines: Annotated[str, typer.Option("--engines", "--engine", help="Engines to race in each cell: a,b,...")],
    out: Annotated[Path, path_option("The folder for the records and the report.")],
    seconds: Annotated[float, typer.Option(help="Time to race for in each cell.")] = 3.5,
    floor: Annotated[bool, typer.Option(help="Race the products of a step alone, too.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in the folder.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: race again the cells in which an engine failed.")
    ] = False,
    max_hours: Annotated[
        float, typer.Option(help="Refuse to begin what is expected to take longer.")
    ] = grids.MAX_HOURS,
    dask: Annotated[
        str | None, typer.Option(help="Race on the workers of this Dask scheduler: tcp://HOST:8786")
    ] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Race a whole grid, each cell in a process of its own; what is done stays, and --resume goes on with the rest."""
    with needed_by("the report"):
        style.load_matplotlib()
        from .report import build
    from .sweep import cluster, folder
    from .sweep import run as sweeps
    from .timing.race import check_seconds

    check_seconds(seconds)
    if retry and not resume:
        raise InputError("--retry-failed goes with --resume only: add it, or leave both out to begin a sweep")
    cells = grids.cells_of(grid_name, here=dask is None)
    entries = entry.resolve(entry.addresses(engines))
    with ExitStack() as stack:
        software = machine.software()
        crew: sweeps.Crew = sweeps.Here()
        if dask is not None:
            crew = stack.enter_context(cluster.joined(dask, software, cells, entries, warn))
        whole = sweeps.plan(
            cells,
            entries,
            seconds=seconds,
            floor=floor,
            allocator=allocator,
            software=software,
            machine=crew.machine,
        )
        permit = partial(sweeps.check_hours, sweep=whole, hands=crew.hands, max_hours=max_hours)
        run = stack.enter_context(folder.claimed(out, whole, resume, permit, retry))
        if failed := sum(bool(record.failures) for record in run.done.values()):
            warn(f"{failed} cell{'s' * (failed > 1)} failed before: add --retry-failed to race them again")
        if dask is None:
            warn_of([machine.environment()])
        with SweepBar(out) as progress:
            sweeps.race_missing(run, whole, entries, crew, progress)
        show(build.build(out))
        return status_of(store.failed(store.load(out)[0]))


@app.command(name="report")
def rebuild(
    folders: Annotated[list[Path], typer.Argument(help="A results folder with records; several are compared.")],
    out: Annotated[Path | None, path_option("Write the comparison of several to this folder.")] = None,
) -> None:
    """Rebuild a results folder's tables, plots and pages from its records; set several folders side by side."""
    with needed_by("the report"):
        style.load_matplotlib()
        from .report import build
        from .report.side_by_side import side_by_side

    if len(folders) > 1:
        show(side_by_side(folders, out))
    elif out:
        raise InputError("--out is for comparing several folders; a single one is rebuilt where it lies")
    else:
        show(build.build(folders[0]))


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(help="A results folder with the cells.jsonl of a grid.")],
    sizes: Sizes = "784-30-10",
    batch: Batch = 10,
    dtype: DType = "float64",
    threads: Threads = 1,
) -> None:
    """Predict a step and the speedup for any sizes and batch, by the cost model of a folder; nothing is raced."""
    with needed_by("predict"):
        from .report.predict import predict as ask_model

    show(ask_model(folder, make_cell(sizes, batch, dtype, threads, here=False)))


@app.command()
def gate(
    against: Annotated[str, typer.Option(help="The git revision to compare the work tree with.")],
    engines: Annotated[
        str | None, typer.Option("--engines", "--engine", help="Only these: a,b,... By default all.")
    ] = None,
    grid_name: Annotated[str, typer.Option("--grid", help="A named grid or a .toml file.")] = "gate",
    tolerance: Annotated[str, typer.Option(help="The slowdown that the whole interval must clear.")] = "2%",
    budget: Annotated[float, typer.Option(help="Seconds to spend at the most.")] = 180.0,
    everything: Annotated[bool, typer.Option("--all", help="Race engines of unchanged code, too.")] = False,
    inconclusive: Annotated[Literal["fail", "pass"], typer.Option(help="Exit with 3 or 0 if it can't tell.")] = "fail",
    markdown: Annotated[Path | None, path_option("Write the table for a pull request to this file.")] = None,
    json: Annotated[Path | None, path_option("Write all that was found, with every slice, to this file.")] = None,
    plot: Annotated[Path | None, path_option("Draw the intervals to this .png or .svg file.")] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Tell whether a change slowed an engine down. Exit status: 1 it did, or made one wrong; 3 can't tell."""
    with needed_by("the gate"):
        style.load_matplotlib()
        from .gate import figure, github
        from .gate import show as shown
    from .gate.run import gate as run_gate
    from .gate.run import parse_share
    from .timing.race import check_seconds

    check_seconds(budget)
    revisions.refuse_elsewhere()
    share, cells, form = parse_share(tolerance), grids.cells_of(grid_name), figure.form(plot)
    asked = {"--json": json, "--markdown": markdown, "--plot": plot}
    with outputs.claimed(asked, read=[grid_name]) as files:
        with Countdown(budget) as countdown:
            record = run_gate(
                against,
                cells,
                engines=None if engines is None else entry.addresses(engines),
                tolerance=share,
                budget=budget,
                everything=everything,
                pin=allocator == "pinned",
                rng=np.random.default_rng(),
                progress=countdown,
            )
        contents: dict[str, Callable[[], bytes]] = {
            "--json": partial(store.dump, record),
            "--markdown": lambda: shown.markdown(record).encode(),
            "--plot": partial(figure.draw, record, form),
        }
        try:
            outputs.write_each(files, contents)
        finally:
            with github.no_commands(os.environ):
                show(shown.describe(record))
            warn_of([record.environment])
            for line in github.tell(record, os.environ):
                print(line)
    return 1 if record.red else 3 if record.open and inconclusive == "fail" else 0
