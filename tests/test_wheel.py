"""Installed, not cloned: a wheel in an environment of its own, used from an empty folder and in another repository."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from repository import ROOT
from their_repository import Theirs

GRID = 'sizes = ["8-4-2", "8-6-2", "8-8-2"]\nbatch = [1, 2, 4]\n'
MINE = "from backprop.engines.full_matrix import FullMatrix\n\n\nclass Mine(FullMatrix):\n    pass\n"
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
FEW = "from bench.timing import schedule\nschedule.PASSES = (2, 2)\n"


class Installed:
    """The wheel in a fresh environment, whose dependencies are those of this one."""

    def __init__(self, place):
        source = place / "source"
        for name in ("backprop", "bench"):
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        subprocess.run([sys.executable, "-c", BUILD, str(place)], cwd=source, check=True, capture_output=True)
        (self.wheel,) = place.glob("*.whl")
        venv.create(place / "venv", with_pip=False, symlinks=True)
        self.python = place / "venv" / "bin" / "python"
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(place / "venv")}))
        with zipfile.ZipFile(self.wheel) as archive:  # which is what installing one comes to
            self.files = archive.namelist()
            archive.extractall(packages)
        # A folder on the path, whose own .pth files are not read: an editable install in it is out of play.
        places = [line for line in sys.path if line.endswith(("site-packages", "dist-packages"))]
        (packages / "dependencies.pth").write_text("\n".join(places) + "\n")
        (packages / "few_passes.py").write_text(FEW)
        self.folder = place / "empty"
        self.folder.mkdir()

    def __call__(self, *arguments, folder=None, status=0):
        """Run Python with these arguments, from the empty folder; gives all that it prints."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
        done = subprocess.run(
            [self.python, *map(str, arguments)],
            cwd=folder or self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def command(self, *arguments, **options):
        """Run the command line as its script does, with few passes."""
        return self("-c", f"{FEW}import sys; from bench.__main__ import main; main()", *arguments, **options)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_all_that_it_needs_and_no_tests(installed):
    needed = {
        "bench/report/report.html.j2",
        "bench/report/blocks.html.j2",
        "bench/claims/published.toml",
        "bench/suite/test_step.py",
        "bench/py.typed",
    }
    assert needed < set(installed.files)
    assert not [name for name in installed.files if name.startswith(("tests", "results"))]
    (points,) = [name for name in installed.files if name.endswith("entry_points.txt")]
    with zipfile.ZipFile(installed.wheel) as archive:
        told = archive.read(points).decode()
    assert "backprop-bench = backprop_bench_plugin" in told
    assert "backprop-bench = bench.__main__:main" in told
    where = installed("-c", "import bench, backprop; print(bench.__file__, backprop.__file__)").split()
    assert all(str(installed.python.parents[1]) in place for place in where)


def test_every_command_works_in_an_empty_folder(installed):
    (installed.folder / "mine.py").write_text(MINE)
    (installed.folder / "grid.toml").write_text(GRID)
    quick = ("--seconds", "0.2", "--no-floor")
    assert "per_sample" in installed("-m", "bench", "engines")
    raced = installed.command("race", "per_sample", "mine.py", "--sizes", "8-6-2", *quick)
    assert "mine.py" in raced
    sweep = ("sweep", "--grid", "grid.toml", "--engines", "per_sample,mine.py", "--out", "out", "--seconds", "0.1")
    assert "in out: report.html" in installed.command(*sweep, "--no-floor")
    assert "report.html" in installed.command("report", "out", "--baseline", "mine.py")
    assert "predicted from out" in installed.command("predict", "out", "--sizes", "8-6-2", "--batch", "9")
    told = installed.command("gate", "--against", "HEAD", status=2)
    assert "is not a git repository" in told


def test_the_suite_and_the_fixture_work_wherever_one_is(installed):
    options = ("--benchmark", "--race-grid=grid.toml", "--race-seconds=0.1", "--race-engines=per_sample,full_matrix")
    (installed.folder / "grid.toml").write_text('sizes = ["8-4-2"]\nbatch = [4]\n')
    suite = ("-m", "pytest", "-p", "few_passes", "-p", "no:cacheprovider", "--pyargs", "bench.suite", "-k", "test_step")
    told = installed(*suite, *options)
    assert "1 passed" in told
    assert (installed.folder / "results" / "latest" / "report.html").exists()


def test_the_gate_judges_another_repository(installed, tmp_path):
    theirs = Theirs(tmp_path / "theirs")
    assert "unchanged" in installed.command("gate", "--against", "HEAD", folder=theirs.folder)
    theirs.edit("src/mypkg/kernels.py", "return delta.T", "return 2 * delta.T")
    told = installed.command("gate", "--against", "HEAD", folder=theirs.folder, status=1)
    assert "src/mypkg/tiled.py: wrong" in " ".join(told.split())


def test_python_has_the_same_face(installed):
    code = f"{FEW}from bench import race\nprint(race('per_sample', 'full_matrix', sizes='8-4-2', seconds=0.2))"
    assert "full_matrix" in installed("-c", code)
