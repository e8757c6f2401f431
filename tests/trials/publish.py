"""Results published anew: each part raced by its commands, and put into results/published.

    python -m tests.trials.publish PART... [--work results/publishing] [--minutes N] [--seed N] [--dry]

Parts, as publish_parts.py has them: default, side-by-side, shapes, claims, libraries, model, holdout, gate. They are
raced in folders of their own in --work; the same command goes on after an interruption, and races nothing twice.
--minutes is the time for each part: what is raced by then is published, and of 0 what was before. A part that is
through replaces its folder in results/published: records are compressed, and of what is drawn there stays what a page
shows. `python -m tests.figures` then writes the READMEs' figures. --seed is that of the cells of holdout. --dry prints
the commands and runs none. Exit status: that of the command that went wrong.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

from .publish_parts import BENCH, Part, Race, parts

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "results" / "published"
GRACE = 120  # seconds for what is interrupted to end


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="+", choices=parts(0, Path()))
    parser.add_argument("--work", type=Path, default=ROOT / "results" / "publishing")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry", action="store_true")
    given = parser.parse_args()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has its background jobs, and their children
        signal.signal(signal.SIGINT, signal.default_int_handler)
    work = given.work.absolute()
    for name in given.part:
        part = parts(given.seed, work)[name]
        if given.dry:
            print(*dry(name, part, work), sep="\n")
            continue
        end = monotonic() + 60 * given.minutes if given.minutes is not None else None
        for race in part.races:
            if status := raced(race, work, end):
                print(f"{name}: {race.name} ended with status {status}: the same command goes on with it")
                return status
        if status := publish(name, part, work):
            return status
    return 0


def dry(name: str, part: Part, work: Path) -> Iterator[str]:
    for race in part.races:
        yield told(filled(race.command, work / race.name, work))
    for command in part.made:
        yield told(filled(command, PUBLISHED / name, work))


def raced(race: Race, work: Path, end: float | None) -> int:
    """Race, or go on with it, until it is done or the time is over; what is done once is not raced again."""
    folder, done = work / race.name, work / f"{race.name}.done"
    if done.exists():
        print(f"{race.name}: done before")
        return 0
    work.mkdir(parents=True, exist_ok=True)
    if race.grid:
        (work / f"{race.name}.toml").write_text(race.grid)
    more = race.resume if (folder / race.begun).exists() else ()
    status = run(filled([*race.command, *more], folder, work), end)
    an_engine_failed = status == 1 and race.command[:2] == BENCH  # the others were raced, and the record says so
    if status == 0 or an_engine_failed:
        done.touch()
        return 0
    return status or 0


def run(command: Sequence[str], end: float | None = None) -> int | None:
    """The exit status; None where the time was over first, and the command was interrupted, as by Ctrl-C."""
    if end is not None and monotonic() >= end:
        return None
    print(told(command), flush=True)
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, start_new_session=True)
    try:
        return process.wait(None if end is None else max(0.0, end - monotonic()))
    except subprocess.TimeoutExpired:
        interrupt(process)
        return None
    except KeyboardInterrupt:
        interrupt(process)
        return 128 + signal.SIGINT


def interrupt(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def publish(name: str, part: Part, work: Path) -> int:
    """Put together what the races have found, make the pages, and replace the folder in results/published."""
    if part.races and not any((work / race.name).exists() for race in part.races):
        print(f"{name}: nothing is published, as nothing of it was raced in {work}")
        return 2
    whole = work / f"{name}.whole"
    shutil.rmtree(whole, ignore_errors=True)
    if len(part.races) == 1:
        shutil.copytree(work / part.races[0].name, whole)
    else:
        whole.mkdir(parents=True)
        every = [work / race.name / "cells.jsonl" for race in part.races]
        if records := b"".join(path.read_bytes() for path in every if path.exists()):
            (whole / "cells.jsonl").write_bytes(records)
    for command in part.made:
        if status := run(filled(command, whole, work)):
            return status
    fresh = PUBLISHED / f".{name}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    if missing := keep(name, part, whole, fresh):
        shutil.rmtree(fresh)
        print(f"{name}: nothing is published, as {whole} has no {', '.join(missing)}")
        return 2
    shutil.rmtree(PUBLISHED / name, ignore_errors=True)
    fresh.rename(PUBLISHED / name)
    print(
        f"{name}: in results/published/{name}: {', '.join(sorted(path.name for path in (PUBLISHED / name).iterdir()))}"
    )
    return 0


def keep(name: str, part: Part, whole: Path, to: Path) -> list[str]:
    """Copy the records, compressed, the pages that stay, and the pictures that these or a README show.

    Returns what is missing of them.
    """
    for path in whole.glob("*.jsonl"):
        (to / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    pages = [page for page in part.pages if (whole / page).exists()]
    shown = {picture for page in pages if page.endswith(".md") for picture in pictures(whole / page)}
    for readme in (ROOT / "README.md", *ROOT.glob("*/README.md")):
        shown.update(re.findall(rf"results/published/{name}/([\w.-]+\.png)\)", readme.read_text()))
    wanted = [*part.pages, *sorted(shown)]
    there = [file for file in wanted if (whole / file).exists()]
    for path in (*(whole / file for file in there), *whole.glob("*.gz")):
        shutil.copy(path, to / path.name)
    records = [] if any(to.glob("*.jsonl.gz")) or not part.races else ["records"]
    return [*records, *(file for file in wanted if file not in there)]


def pictures(page: Path) -> list[str]:
    return re.findall(r"\]\(([\w.-]+\.png)\)", page.read_text())


def filled(command: Sequence[str], folder: Path, work: Path) -> list[str]:
    """The command with its places: {folder}, and {grid}, the file beside the folder."""
    places = {"{folder}": str(folder), "{grid}": str(work / f"{folder.name}.toml")}
    return [re.sub(r"\{\w+\}", lambda place: places.get(place[0], place[0]), word) for word in command]


def told(command: Sequence[str]) -> str:
    return shlex.join(["python", *command]).replace(f"{ROOT}/", "")


if __name__ == "__main__":
    sys.exit(main())
