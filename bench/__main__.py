"""`python -m bench` is `backprop-bench`; code of ours that can't even be imported is a fault of ours, too."""

import os
import sys
from traceback import print_exc
from typing import NoReturn

from . import FAULT, SLEEP_SOON


def main() -> NoReturn:
    """Run the command line."""
    for name, value in SLEEP_SOON.items():  # `train` times its engines in this very process
        os.environ.setdefault(name, value)
    try:
        from .cli.main import main as run
    except Exception:
        print_exc()
        print("backprop-bench: its own code can't be imported; why, the lines above tell", file=sys.stderr)
        sys.exit(FAULT)
    run()


if __name__ == "__main__":
    main()
