"""What each way to fail exits with: the machine's refusal, an engine's fault, a fault of this package."""

import subprocess
import sys

import pytest
from examples import make_record

from backprop import EngineError
from bench.records.record import Result

GATE = ["gate", "--against", "HEAD"]
ENDS = {
    "a full disk": (OSError(28, "No space left on device", "x.json"), 2, "x.json: No space left on device"),
    "an error without a file": (OSError("no more processes"), 2, "no more processes"),
    "no memory": (MemoryError("Unable to allocate 5.70 TiB"), 2, "out of memory: Unable to allocate 5.70 TiB; name"),
    "an engine": (EngineError("engine mine: no"), 1, "engine mine: no"),
    "an engine without memory": (EngineError("engine mine: MemoryError: no room"), 2, "engine mine: MemoryError"),
    "an interrupt": (KeyboardInterrupt(), 130, "interrupted"),
}
COMMANDS = {
    "engines": (["engines"], "backprop.names"),
    "race": (["race", "full_matrix"], "bench.timing.race.race"),
    "train": (["train", "--data", "digits"], "bench.terminal.live_training.train_for"),
    "sweep": (["sweep", "--grid", "smoke", "--engines", "full_matrix", "--out", "x"], "bench.sweep.whole.plan"),
    "report": (["report", "x"], "bench.report.build.build"),
    "predict": (["predict", "x"], "bench.report.predict.predict"),
    "gate": (GATE, "bench.gate.run.gate"),
}


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("case", ENDS)
def test_what_the_machine_refuses_is_one_line(call, monkeypatch, case):
    error, expected, message = ENDS[case]
    monkeypatch.setattr("bench.gate.run.gate", failing(error))
    status, _, err = call(*GATE)
    assert status == expected
    assert message in err
    assert err.count("\n") == 1


def test_code_of_ours_that_cant_be_imported_is_a_fault_of_ours(repository):
    repository.edit("backprop/network.py", "class Network", "class Network(")
    command = [sys.executable, "-m", "bench", *GATE]
    done = subprocess.run(command, cwd=repository.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert done.stderr.startswith("Traceback")
    assert "SyntaxError" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("backprop-bench: its own code can't be imported")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["MemoryError: Unable to allocate 5.70 TiB"], 2),
        (["the process of this cell ended with status 1: numpy.exceptions._ArrayMemoryError: Unable to allocate"], 2),
        (["the process of this cell was killed by SIGKILL"], 1),
        (["MemoryError: no room", "ValueError: no"], 1),
        (["the gradient of weights[0] is off by 3%"], 1),
        ([], 0),
    ],
)
def test_a_contestant_without_memory_has_not_failed_by_itself(call, monkeypatch, said, expected):
    found = make_record(failed=said[0] if said else None)
    found.contestants.extend(Result("other", left_out=told, failed=True) for told in said[1:])
    monkeypatch.setattr("bench.timing.race.race", lambda *_, **__: found)
    status, out, _ = call("race", "full_matrix")
    assert status == expected
    assert all(told.split()[0] in out for told in said)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_of_ours_has_a_traceback_and_a_status_of_its_own(call, monkeypatch, command):
    arguments, within = COMMANDS[command]
    monkeypatch.setattr(within, failing(OverflowError("math range error")))
    status, _, err = call(*arguments)
    assert status == 70
    assert err.startswith("Traceback")
    assert "OverflowError: math range error" in err
    assert err.splitlines()[-1].startswith("backprop-bench: this is a fault of backprop-bench")
