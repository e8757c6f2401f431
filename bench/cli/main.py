"""The command line as a whole: its commands, and what an error or an interrupt comes to."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from traceback import print_exc
from typing import NoReturn

import typer

from backprop import EngineError, InputError

from .. import FAULT
from ..cells.isolation import end_children
from ..terminal.console import INTERRUPTED, complain, refusal
from ..terminal.streams import patient
from ..timing.process import lacks_memory
from .claims import claims
from .engines import engines
from .gate import gate
from .predict import predict
from .race import race
from .report import report
from .sweep import sweep
from .train import train

app = typer.Typer(
    help="How much faster is backprop over a whole mini-batch than sample by sample?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (engines, race, train, sweep, claims, report, predict, gate):
    app.command()(command)


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
