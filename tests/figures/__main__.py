"""The figures of the READMEs, from the records in results/published.

    python -m tests.figures            (writes every figure anew, and targets.md)
    python -m tests.figures --check    (writes nothing; exit status 1, and a line for each figure that differs)

Exit status: 1, too, where the words around a figure do not hold any more; 2 where a marker, or a record that it names,
is wrong or missing: then nothing is written.
"""

from __future__ import annotations

import argparse
import sys

from bench.records import outputs

from . import published
from .pages import pages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and tell what differs")
    check = parser.parse_args().check
    found = list(pages())
    if wrong := [line for page in found for line in page.wrong]:
        print(*wrong, sep="\n", file=sys.stderr)
        return 2
    different = [line for page in found for line in page.different]
    untrue = [line for page in found for line in page.untrue]
    if check:
        print(*different, *untrue, sep="\n", end="\n" if different or untrue else "")
        return int(bool(different or untrue))
    for page in found:
        if page.written != page.text:
            outputs.write(published.ROOT / page.name, page.written.encode())
    print(*untrue, sep="\n", end="\n" if untrue else "")
    print(f"{len(different)} figures written anew" if different else "every figure is as the records have it")
    return int(bool(untrue))


if __name__ == "__main__":
    sys.exit(main())
