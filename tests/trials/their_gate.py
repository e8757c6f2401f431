"""Does the gate find a slowdown in an engine of somebody else's repository, within its budget, and only where it is?

    python tests/trials/their_gate.py [--runs 10] [--percent 6] [--budget 60]    (a quarter of an hour)

Makes a repository with a package of its own and commits a change of one of its two engines: real work for so many
percent of a step's time; and beside that, on another branch, a line without effect. Then runs of `backprop-bench gate`
over its named grid, in random order, each a command of its own in that repository.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from their_repository import Theirs  # noqa: E402  # which lies there

ENGINE = "mypkg.engines:Plain"
EXTRA_WORK = """        end = perf_counter()
        end += (end - start) * {percent} / 100
        while perf_counter() < end:
            pass

    def gradient("""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="of either kind")
    parser.add_argument("--percent", type=float, default=6.0, help="of a step's time that is added")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of a run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        theirs = Theirs(Path(place) / "theirs")
        theirs.edit("pyproject.toml", 'grid = "grid.toml"\ntolerance = "40%"\n', "")
        base = theirs.commit()
        for branch in ("slower", "same"):
            theirs.git("checkout", "--quiet", "-b", branch, base)
            theirs.edit("src/mypkg/engines.py", "import numpy as np\n", "import numpy as np\n\nCHANGED = True\n")
            if branch == "slower":
                theirs.edit(
                    "src/mypkg/engines.py",
                    "import numpy as np\n",
                    "from time import perf_counter\n\nimport numpy as np\n",
                )
                theirs.edit(
                    "src/mypkg/engines.py",
                    "        activations = [x]\n",
                    "        start = perf_counter()\n        activations = [x]\n",
                )
                theirs.edit("src/mypkg/engines.py", "\n    def gradient(", EXTRA_WORK.format(percent=options.percent))
            theirs.commit()
        branches = ["slower", "same"] * options.runs
        np.random.default_rng(7).shuffle(branches)
        print("| change | exit status | seconds | regressed | unchanged | other cells | slowdown, median |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for branch in branches:
            print(judged(theirs, branch, base, options.budget), flush=True)


def judged(theirs: Theirs, branch: str, base: str, budget: float) -> str:
    """A line of the table: one run of the gate."""
    theirs.git("checkout", "--quiet", branch)
    written = theirs.folder.parent / "gate.json"
    command = [sys.executable, "-m", "bench", "gate", "--against", base, "--engines", ENGINE, "--json", str(written)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = perf_counter()
    done = subprocess.run(
        [*command, "--budget", f"{budget:g}"], cwd=theirs.folder, env=environment, capture_output=True, check=False
    )
    took = perf_counter() - start
    found = json.loads(written.read_text())["findings"]
    verdicts = [finding["verdict"] for finding in found]
    counts = [verdicts.count("regressed"), verdicts.count("unchanged")]
    middle = np.median([finding["slowdown"]["value"] for finding in found if finding["slowdown"]])
    fields = [branch, done.returncode, f"{took:.0f}", *counts, len(found) - sum(counts), f"{middle - 1:+.1%}"]
    return f"| {' | '.join(map(str, fields))} |"


if __name__ == "__main__":
    main()
