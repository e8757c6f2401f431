"""Claims raced into a folder: each record as soon as it is there, and what was left out beside them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import msgspec

from backprop import InputError

from ..cells.cell import Cell
from ..records import outputs, store
from ..records.environment import doubts
from ..records.record import Record
from ..sweep import folder, run
from ..sweep.run import AtWork, Crew, Progress, race_jobs
from ..timing import machine
from ..timing.one_pass import RaceJob
from ..timing.race import check_seconds
from . import ways
from .claim import Claim
from .plan import Plan

FILE = "claims.json"
SCHEMA = 1
MAX_HOURS = 1.0


class Asked(msgspec.Struct, frozen=True):
    """What the claims of a folder are, by name, raced for how long, and which of them could not be, and why."""

    schema: int
    claims: list[str]
    seconds: float
    left_out: dict[str, str]


class Racers(Crew):
    """Races on this machine, of engines or of ways to make a product."""

    def expected_seconds(self, job: RaceJob) -> float:
        if _of_ways(job):
            return job.seconds + run.SECONDS_AN_ENGINE * len(job.entries)
        return super().expected_seconds(job)

    def race(self, jobs: Sequence[RaceJob], at_work: AtWork) -> Iterator[Record]:
        for job in jobs:
            if _of_ways(job):
                at_work([job.cell])
                yield ways.race(job)
            else:
                yield from super().race([job], at_work)


def race_claims(
    claims: Sequence[Claim],
    plan: Plan,
    out: Path,
    progress: AbstractContextManager[Progress],
    warn: Callable[[str], None],
    *,
    seconds: float,
    resume: bool,
) -> None:
    """Race what the folder `out` has not got, or what failed; InputError where it is in use, or nothing can be raced.

    A folder that is gone on with keeps the claims that it was begun with: fewer of them may come to the same races.
    """
    check_seconds(seconds)
    if not plan.races:
        why = "; ".join(f"{name}: {reason}" for name, reason in plan.left_out.items())
        raise InputError(f"no claim can be raced here: {why}")
    jobs, crew = plan.jobs(seconds), Racers()
    engines = list(dict.fromkeys(entry.identity for job in jobs for entry in job.entries))
    whole = folder.Sweep(
        folder.SCHEMA,
        [job.cell for job in jobs],
        engines,
        seconds,
        False,
        "pinned",
        machine.software(),
        crew.machine,
    )
    permit = partial(check_hours, jobs=jobs, crew=crew, seconds=seconds)
    with folder.claimed(out, whole, resume, permit, retry=True) as going:
        for doubt in doubts([machine.environment()]):
            warn(doubt)
        before = asked_in(out) or Asked(SCHEMA, [], seconds, {})
        names = [claim.name for claim in claims]
        kept = {name: why for name, why in before.left_out.items() if name not in names}
        asked = Asked(SCHEMA, list(dict.fromkeys([*before.claims, *names])), seconds, kept | plan.left_out)
        with closing(outputs.Output(out / FILE)) as file:
            file.write(msgspec.json.encode(asked) + b"\n")
        with progress as told:
            race_jobs(going, jobs, crew, told)


def check_hours(missing: Collection[Cell], jobs: Sequence[RaceJob], crew: Crew, seconds: float) -> None:
    """Refuse to begin what would take too long: the jobs whose cells are missing, of so many `seconds` or more each."""
    hours = run.expected_seconds([job for job in jobs if job.cell in missing], crew) / 3600
    if not hours <= MAX_HOURS:
        raise InputError(
            f"{len(missing)} races would take about {hours:.1f} hours, more than {MAX_HOURS:g}: name fewer claims by "
            f"--only, or give a race fewer --seconds than {seconds:g}"
        )


def _of_ways(job: RaceJob) -> bool:
    return job.entries[0].address in ways.WAYS


def asked_in(place: Path) -> Asked | None:
    """What claims the records of a folder are about; None where they are about none. InputError for a broken file."""
    path = place / FILE
    try:
        content = path.read_bytes()
        if (schema := store.schema_of(content)) > SCHEMA:
            raise InputError(f"{path} has schema {schema}; this version of backprop-bench reads up to {SCHEMA}")
        return msgspec.json.decode(content, type=Asked)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{path} can't be read: {error}; race the claims again, or remove it") from error
