"""The command line: each command is a few calls whose names tell the story."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, nullcontext
from datetime import timedelta
from functools import partial
from inspect import getdoc
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

import backprop
from backprop import EngineError, InputError, data
from backprop.threads import limited

from . import contestants, grid, machine, records, words
from .grid import Cell
from .records import Record

INTERRUPTED = 130  # as a shell has it

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
    """Run the command line. Exit status: 0 fine, 1 an engine failed or is slower, 2 a wrong call, 3 can't tell."""
    try:
        status = app(standalone_mode=False) or 0
    except (InputError, typer.TyperException) as error:
        complain(error.format_message() if isinstance(error, typer.TyperException) else str(error), 2)
    except EngineError as error:
        complain(str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:  # typer may also return it
        complain("interrupted", status)
    sys.exit(status)


def complain(message: str, status: int) -> NoReturn:
    """One line on standard error; none where typer has already printed the help that was asked for."""
    if message:
        print(f"backprop-bench: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)


def warn(message: str) -> None:
    """One line on standard error, and on with it."""
    print(f"backprop-bench: warning: {message}", file=sys.stderr)


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
    floor: Annotated[bool, typer.Option(help="Race the products of a step alone, too.")] = True,
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
                floor=floor,
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
    with limited(threads), bar() as progress:
        task = progress.add_task(f"{cell.id}, eta {eta:g}", total=epochs)
        for finished in run_epochs(field, cell, learned, eta=eta, epochs=epochs, seed=seed):
            show(lessons.add(finished))
            progress.update(task, advance=1, refresh=True)
    show(lessons.conclude())


@app.command()
def sweep(
    grid_name: Annotated[str, typer.Option("--grid", help="A named grid (smoke, default, full) or a .toml file.")],
    engines: Annotated[str, typer.Option(help="Engines to race in each cell: a,b,...")],
    out: Annotated[Path, typer.Option(help="The folder for the records and the report.")],
    seconds: Annotated[float, typer.Option(help="Time to race for in each cell.")] = 3.5,
    floor: Annotated[bool, typer.Option(help="Race the products of a step alone, too.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in the folder.")] = False,
    max_hours: Annotated[float, typer.Option(help="Refuse to begin what is expected to take longer.")] = 12.0,
    dask: Annotated[
        str | None, typer.Option(help="Race on the workers of this Dask scheduler: tcp://HOST:8786")
    ] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Race a whole grid, each cell in a process of its own; what is done stays, and --resume goes on with the rest."""
    from . import cluster, report, sweep_cell, sweep_folder
    from . import sweep as sweeps
    from .race import check_seconds

    check_seconds(seconds)
    cells = grid.load(grid_name, here=dask is None)
    entrants = sweep_cell.enter([name.strip() for name in engines.split(",")])
    with ExitStack() as stack:
        software = machine.software()
        crew: sweeps.Crew = sweeps.Here()
        if dask is not None:
            crew = stack.enter_context(cluster.joined(dask, software, cells, entrants, warn))
        whole = sweeps.plan(
            cells,
            entrants,
            seconds=seconds,
            floor=floor,
            allocator=allocator,
            software=software,
            machine=crew.machine,
        )
        permit = partial(sweeps.check_hours, sweep=whole, hands=crew.hands, max_hours=max_hours)
        missing = stack.enter_context(sweep_folder.claimed(out, whole, resume, permit))
        with SweepBar(out) as progress:
            sweeps.run(out, whole, missing, entrants, crew, progress)
        show(report.build(out))
        return int(any(record.failures for record in records.load(out)[0]))


@app.command(name="report")
def rebuild(folder: Annotated[Path, typer.Argument(help="A results folder with a cells.jsonl.")]) -> None:
    """Rebuild a results folder's table and plots from its records, and print the summary."""
    from . import report

    show(report.build(folder))


@app.command()
def gate(
    against: Annotated[str, typer.Option(help="The git revision to compare the work tree with.")],
    engines: Annotated[str | None, typer.Option(help="Only these: a,b,... By default all.")] = None,
    grid_name: Annotated[str, typer.Option("--grid", help="A named grid or a .toml file.")] = "gate",
    tolerance: Annotated[str, typer.Option(help="The slowdown that the whole interval must clear.")] = "2%",
    budget: Annotated[float, typer.Option(help="Seconds to spend at the most.")] = 180.0,
    everything: Annotated[bool, typer.Option("--all", help="Race engines of unchanged code, too.")] = False,
    inconclusive: Annotated[Literal["fail", "pass"], typer.Option(help="Exit with 3 or 0 if it can't tell.")] = "fail",
    markdown: Annotated[Path | None, typer.Option(help="Write the table for a pull request to this file.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all that was found, with every slice, to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the intervals to this .png or .svg file.")] = None,
    allocator: Allocator = "pinned",
) -> int:
    """Tell whether a change slowed an engine down. Exit status: 1 it did, or made one wrong; 3 can't tell."""
    from . import gate_report
    from .gate import gate as run_gate
    from .gate import parse_share
    from .race import check_seconds

    check_seconds(budget)
    share, cells, form = parse_share(tolerance), grid.load(grid_name), gate_report.form(plot)
    with ExitStack() as files:
        markdown_file, json_file, plot_file = (
            path and files.enter_context(records.written_whole(path)) for path in (markdown, json, plot)
        )
        with Countdown(budget) as countdown:
            record = run_gate(
                against,
                cells,
                engines=engines.split(",") if engines else None,
                tolerance=share,
                budget=budget,
                everything=everything,
                pin=allocator == "pinned",
                rng=np.random.default_rng(),
                progress=countdown,
            )
        if json_file:
            json_file.write_bytes(gate_report.dump(record))
        if markdown_file:
            markdown_file.write_text(gate_report.markdown(record), encoding="utf-8")
        if plot_file:
            gate_report.draw(record, plot_file, form)
    show(gate_report.describe(record))
    for line in gate_report.tell_github(record, os.environ):
        print(line)
    return 1 if record.red else 3 if record.open and inconclusive == "fail" else 0


class Countdown:
    """The gate's progress: a line that is drawn anew in a terminal, and elsewhere one for each change."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.bar = bar()
        self.task = self.bar.add_task("checking the engines", total=budget)
        self.undecided: int | None = None

    def __enter__(self) -> Countdown:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, undecided: int, rows: int, left: float) -> None:
        told = f"{undecided} of {rows} cells undecided, {max(left, 0):.0f} s left"
        self.bar.update(self.task, description=told, completed=self.budget - left, refresh=True)
        if undecided != self.undecided and not console.is_terminal:
            console.print(told, highlight=False)
        self.undecided = undecided


class SweepBar:
    """A sweep's progress: a bar with the cells at work, and a line for each cell that failed; elsewhere, for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bar = bar(TextColumn("{task.fields[left]} left"))
        self.finished = self.total = 0

    def __enter__(self) -> SweepBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.bar.stop()
        if kind is KeyboardInterrupt:
            complain(
                f"interrupted; {self.finished} of {self.total} cells are done and recorded in {self.folder}: the same "
                "command with --resume goes on",
                INTERRUPTED,
            )

    def begin(self, missing: int, total: int) -> None:
        self.finished, self.total = total - missing, total
        self.task = self.bar.add_task("", total=total, completed=self.finished, left="")
        self.bar.start()

    def at_work(self, cells: Sequence[Cell], left: float) -> None:
        at_work = cells[0].id if len(cells) == 1 else f"{len(cells)} cells at once" if cells else "waiting for a worker"
        self.bar.update(
            self.task, description=f"{self.head()} {at_work}", completed=self.finished, left=span(left), refresh=True
        )
        if not cells and not console.is_terminal:
            console.print(f"{self.head()} {at_work}", highlight=False)

    def done(self, record: Record, left: float) -> None:
        self.finished += 1
        if record.failures or not console.is_terminal:
            crashed = len(record.failures) == len(record.contestants)
            outcome = record.failures[0].left_out if crashed else words.outcome(record)
            told = f"{self.head()} {record.cell.id}  {outcome}  {span(left)} left"
            self.bar.console.print(escape(told), highlight=False, soft_wrap=True)

    def head(self) -> str:
        return f"{self.finished:{len(str(self.total))}}/{self.total}"


def span(seconds: float) -> str:
    """A time to come as a clock has it: 1:23:45."""
    return str(timedelta(seconds=round(seconds)))


def bar(left: ProgressColumn | None = None) -> Progress:
    """A progress bar that is drawn between timings, not by a thread of its own beside them."""
    columns = (TextColumn("{task.description}"), BarColumn(), left or TimeRemainingColumn())
    return Progress(*columns, console=console, auto_refresh=False, transient=True, disable=not console.is_terminal)


def show(parts: Iterable[str | Table]) -> None:
    """Print lines and tables, wrapped to the terminal's width."""
    for part in parts:
        console.print(part, highlight=False)
