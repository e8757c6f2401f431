"""The command line as a person meets it: what it prints, what it refuses, how it exits."""

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from examples import make_finding, make_gate_record, make_record

from backprop import EngineError
from bench.cells import revisions
from bench.records import store, training_record
from bench.records.record import Result


def engine_file(folder, name, body):
    path = folder / name
    path.write_text("from backprop.engines.full_matrix import FullMatrix\nclass Mine(FullMatrix):\n" + body)
    return path


def test_engines_lists_what_can_be_raced(call):
    status, out, _ = call("engines")
    assert status == 0
    for line in ("full_matrix Changes from per_sample", "per_sample", "the path of a .py file"):
        assert line in " ".join(out.split())


def test_race_prints_the_factor_and_writes_the_record(call, tmp_path):
    path = tmp_path / "one.json"
    status, out, err = call("race", "per_sample", "full_matrix", "--sizes", "8-4-2", "--seconds", 0.2, "--json", path)
    assert (status, err) == (0, "")
    for word in ("8-4-2-b10", "full_matrix", "interval", "floor", "noise", "numpy"):
        assert word in out
    (tmp_path / store.FILE).write_bytes(path.read_bytes())
    (found,), _ = store.load(tmp_path)
    assert found.cell.id == "8-4-2-b10-float64-t1"
    assert found.environment.allocator in ("pinned", "default")


def test_a_failing_engine_is_named_the_others_are_raced_and_the_status_is_1(call, tmp_path):
    wrong = engine_file(tmp_path, "wrong.py", "    def step(self, x, y, eta): super().step(x, y, 2 * eta)\n")
    raises = engine_file(tmp_path, "raises.py", "    def __init__(self, network): raise ValueError('no [way]')\n")
    status, out, _ = call("race", "per_sample", wrong, raises, "full_matrix", "--sizes", "8-4-2", "--seconds", 0.2)
    unwrapped = "".join(out.split())  # a long path is broken anywhere
    assert status == 1
    assert f"{wrong} was left out: the gradient of weights[1] is off by".replace(" ", "") in unwrapped
    assert f"{raises} was left out: ValueError: no [way]".replace(" ", "") in unwrapped
    assert "full_matrix" in out


@pytest.mark.parametrize("option", ["--engines", "--compare"])
def test_train_ends_with_accuracy_and_factor(call, option):
    options = ("--data", "digits", "--epochs", 2, "--seed", 1)
    status, out, _ = call("train", option, "per_sample,full_matrix", *options)
    assert status == 0
    lines = out.splitlines()
    assert lines[0].split() == ["epoch", "per_sample", "accuracy", "full_matrix", "accuracy"]
    assert lines[-1].startswith("full_matrix: ")
    assert lines[-1].endswith("x as fast as per_sample")
    assert lines[-1].split("accuracy ")[1][:6] == lines[-2].split("accuracy ")[1][:6]
    status, out, _ = call("train", "--engine", "per_sample", *options)
    assert status == 0
    assert out.splitlines()[-1].split("accuracy ")[1] == lines[-2].split("accuracy ")[1]


def test_train_on_a_users_arrays(call, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.random((200, 6))
    np.savez(tmp_path / "mine.npz", x=x, y=(x[:, 0] > 0.5).astype(int))
    status, out, _ = call("train", "--data", tmp_path / "mine.npz", "--epochs", 1, "--dtype", "float32")
    assert status == 0
    assert "an epoch, test accuracy" in out


def test_train_has_one_word_for_unscaled_pixels_and_no_warnings_of_the_engines(call, tmp_path):
    body = "    def step(self, x, y, eta):\n        x * 1e300 * 1e300\n        super().step(x, y, eta)\n"
    overflows = engine_file(tmp_path, "overflows.py", body)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "raw.npz", x=rng.integers(0, 256, (200, 6), np.uint8), y=rng.integers(0, 2, 200))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        status, out, err = call("train", "--data", tmp_path / "raw.npz", "--engines", overflows, "--epochs", 1)
    assert status == 0
    assert err.count("\n") == 1
    assert err.startswith(
        f"backprop-bench: warning: {tmp_path / 'raw.npz'}: x goes from 0 to 255: sigmoid units saturate"
    )
    assert "test accuracy" in " ".join(out.split())


@pytest.mark.usefixtures("undrawn")
def test_report_rebuilds_a_folder_and_warns_of_a_cut_off_line(call, tmp_path, record):
    store.append(tmp_path, record())
    with (tmp_path / store.FILE).open("ab") as file:
        file.write(b'{"schema": 1, "cel')
    status, out, _ = call("report", tmp_path)
    assert status == 0
    assert "line 2, was cut off" in " ".join(out.split())
    assert (tmp_path / "speedup.csv").exists()


TO_ACCURACY = ["train", "--data", "digits", "--to-accuracy"]


@pytest.mark.usefixtures("undrawn")
def test_train_to_accuracy_prints_the_table_and_adds_to_the_records(call, tmp_path):
    options = ("--batch", "10,100", "--engines", "per_sample,full_matrix", "--out", tmp_path / "new")
    status, out, err = call(*TO_ACCURACY, 0.8, *options, "--seeds", 2, "--epochs", 20)
    assert (status, err) == (0, "")
    assert "seed 1, batch 100, eta 3: per_sample" in out
    assert "full_matrix is fastest at batch 10" in out
    assert "as fast as per_sample's best" in out
    status, out, _ = call(*TO_ACCURACY, 1, *options, "--seeds", 1, "--seed", 7, "--epochs", 1)
    assert status == 0
    assert "new training records are added to the 4 in" in " ".join(out.split())
    assert out.count("not within 1") >= 4
    found, _ = training_record.load(tmp_path / "new")
    assert [(each.seed, each.cell.batch) for each in found] == [(0, 10), (0, 100), (1, 10), (1, 100), (7, 10), (7, 100)]
    assert [pool.threads for each in found for pool in each.environment.blas] == [1] * len(found) * 2
    status, out, _ = call("report", tmp_path / "new")
    assert status == 0
    assert (tmp_path / "new" / "accuracy-by-seconds-2.svg").exists()  # another target is another picture


GATE = ["gate", "--against", "HEAD"]


@pytest.mark.parametrize(
    ("finding", "options", "expected"),
    [
        (make_finding(), [], 0),
        (make_finding(verdict="regressed", slowdown=1.1), [], 1),
        (make_finding(verdict="regressed", slowdown=1.1), ["--inconclusive", "pass"], 1),
        (make_finding(verdict="inconclusive", why="no time", slower=True), [], 3),
        (make_finding(verdict="inconclusive", why="no time", slower=True), ["--inconclusive", "pass"], 0),
        (make_finding(verdict="inconclusive", why="no time", slower=False), [], 0),
    ],
)
def test_the_gate_exits_with_its_outcome_and_writes_what_is_asked_for(
    call, monkeypatch, tmp_path, finding, options, expected
):
    record = make_gate_record(finding)
    monkeypatch.setattr("bench.gate.run.gate", lambda *_, **__: record)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    files = {kind: tmp_path / f"gate.{kind}" for kind in ("md", "json", "png")}
    asked = ["--markdown", files["md"], "--json", files["json"], "--plot", files["png"]]
    status, out, _ = call(*GATE, *asked, *options)
    assert status == expected
    outcome = f"{finding.verdict} in 1 of 1 cells" if record.red or record.open else "no engine slowed down"
    assert outcome in " ".join(out.split())
    assert files["md"].read_text() == (tmp_path / "summary.md").read_text()
    assert json.loads(files["json"].read_text())["findings"][0]["seconds"]["twin"] == [[1e-4, 1.1e-4]]
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert ("::error" in out) == (expected == 1)


def test_the_gate_really_races(call, repository, tmp_path):
    grid_file = tmp_path / "grid.toml"
    grid_file.write_text('sizes = ["6-4-2"]\nbatch = [2]\n')
    status, out, _ = call(*GATE, "--all", "--engines", "full_matrix", "--grid", grid_file, "--tolerance", "90%")
    assert status == 0
    assert "full_matrix" in out
    assert "1 of 1 cells undecided" in out
    assert "no engine slowed down, against HEAD" in " ".join(out.split())
    assert revisions.PACKAGE.parent == repository.folder


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
    "sweep": (["sweep", "--grid", "smoke", "--engines", "full_matrix", "--out", "x"], "bench.sweep.run.plan"),
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


@pytest.mark.parametrize("place", ["another repository", "none"])
def test_the_gate_does_not_judge_its_own_engines_for_somebody_else(call, monkeypatch, tmp_path, place):
    if place == "another repository":
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.chdir(tmp_path)
    status, out, err = call(*GATE)
    assert (status, out) == (2, "")
    assert "the gate judges backprop-bench's own engines" in err
    assert "run it there; an engine of your own can be raced beside others, but not yet" in err
    assert err.count("\n") == 1


def test_an_installed_copy_of_the_gate_has_no_revision_to_judge(call, monkeypatch, tmp_path):
    monkeypatch.setattr(revisions, "BENCH", tmp_path / "site-packages" / "bench")
    status, out, err = call(*GATE)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "is not a git repository, nor in one: run python -m bench gate in a clone" in err


def test_help_is_printed_when_nothing_is_asked(call):
    status, out, err = call()
    assert status == 2
    assert "Usage" in out
    assert err == ""
    assert call("--help")[0] == 0


BAD = {
    "unknown engine": (["race", "fullmatrix"], "did you mean full_matrix?"),
    "no engine": (["race"], "Missing argument"),
    "unknown command": (["rase"], "Did you mean 'race'"),
    "unknown option": (["race", "per_sample", "--sizs", "8-2"], "--sizs"),
    "missing file": (["race", "mine.py"], "mine.py does not exist"),
    "sizes 784": (["race", "per_sample", "--sizes", "784"], "two or more positive numbers such as 784-30-10"),
    "sizes 784-0-10": (["race", "per_sample", "--sizes", "784-0-10"], "not '784-0-10'"),
    "sizes a-b": (["race", "per_sample", "--sizes", "a-b"], "not 'a-b'"),
    "batch 0": (["race", "per_sample", "--batch", "0"], "batch must be 1 or more, not 0"),
    "batch negative": (["race", "per_sample", "--batch", "-1"], "batch must be 1 or more, not -1"),
    "batch too large": (
        ["race", "per_sample", "--batch", "1000000000"],
        "784-30-10-b1000000000-float64-t1 takes about 52,736.0 GB of memory, and",
    ),
    "sizes too large": (
        ["race", "per_sample", "--sizes", "784-3000000-3000000-10", "--dtype", "float32"],
        "GB of memory, and",
    ),
    "sizes too large to train": (["train", "--data", "digits", "--sizes", "64-999999999-10"], "GB of memory, and"),
    "batch text": (["race", "per_sample", "--batch", "ten"], "--batch"),
    "dtype": (["race", "per_sample", "--dtype", "int8"], "float32 and float64"),
    "threads 0": (["race", "per_sample", "--threads", "0"], "threads must be from 1 to"),
    "threads many": (["race", "per_sample", "--threads", "1000000"], "the cores of this machine"),
    "seconds 0": (["race", "per_sample", "--seconds", "0"], "must be a positive number, not 0"),
    "seconds nan": (["race", "per_sample", "--seconds", "nan"], "must be a positive number, not nan"),
    "json nowhere": (["race", "per_sample", "--json", "/nowhere/x.json"], "/nowhere/x.json can't be written"),
    "allocator": (["race", "per_sample", "--allocator", "mine"], "--allocator"),
    "unknown data": (["train", "--data", "mnist"], "mnist5k, digits, or the path of an .npz"),
    "missing npz": (["train", "--data", "none.npz"], "none.npz does not exist"),
    "sizes against data": (["train", "--data", "digits", "--sizes", "784-30-10"], "begin with 64 and end with 10"),
    "epochs 0": (["train", "--epochs", "0"], "--epochs"),
    "eta nan": (["train", "--data", "digits", "--eta", "nan"], "eta must be"),
    "empty compare": (["train", "--data", "digits", "--compare", "per_sample,"], "unknown engine ''"),
    "accuracy 0": ([*TO_ACCURACY, "0"], "must be a share above 0 and at most 1, such as 0.85, not 0"),
    "accuracy 1.5": ([*TO_ACCURACY, "1.5"], "not 1.5"),
    "accuracy nan": ([*TO_ACCURACY, "nan"], "not nan"),
    "accuracy text": ([*TO_ACCURACY, "high"], "--to-accuracy"),
    "batches text": ([*TO_ACCURACY, "0.8", "--batch", "1,ten"], "such as 10 or 1,10,100, not '1,ten'"),
    "batches 0": ([*TO_ACCURACY, "0.8", "--batch", "10,0"], "1 or more, such as 10 or 1,10,100, not '10,0'"),
    "batches twice": ([*TO_ACCURACY, "0.8", "--batch", "1,10,01"], "different whole numbers"),
    "batches none": ([*TO_ACCURACY, "0.8", "--batch", ""], "not ''"),
    "batches above the samples": ([*TO_ACCURACY, "0.8", "--batch", "10,5000"], "batch must be below 1437"),
    "batches without a target": (["train", "--batch", "1,10"], "a list for --batch goes with --to-accuracy only"),
    "seeds without a target": (["train", "--seeds", "3"], "--seeds goes with --to-accuracy only"),
    "out without a target": (["train", "--out", "x"], "--out goes with --to-accuracy only"),
    "seeds 0": ([*TO_ACCURACY, "0.8", "--seeds", "0"], "--seeds"),
    "accuracy eta": ([*TO_ACCURACY, "0.8", "--eta", "0"], "eta must be a positive number"),
    "accuracy data": (["train", "--to-accuracy", "0.8", "--data", "x"], "mnist5k, digits, or the path of an .npz"),
    "accuracy out": ([*TO_ACCURACY, "0.8", "--out", "/dev/null/x"], "results folder /dev/null/x can't be written"),
    "gate against nothing": (["gate"], "--against"),
    "gate against an empty text": (["gate", "--against", ""], "a revision is missing"),
    "gate no engine": ([*GATE, "--engines", ""], "unknown engine ''"),
    "gate engine file": ([*GATE, "--engines", "mine.py"], "the gate judges built-in engines, by name"),
    "gate against nowhere": (["gate", "--against", "nowhere"], "git knows no revision 'nowhere'"),
    "gate tolerance": ([*GATE, "--tolerance", "2"], "such as 2% or 0.02, not '2'"),
    "gate budget": ([*GATE, "--budget", "0"], "must be a positive number"),
    "gate grid": ([*GATE, "--grid", "none"], "unknown grid 'none'"),
    "gate engines": ([*GATE, "--engines", "full_matrix,x"], "unknown engine 'x'"),
    "gate plot": ([*GATE, "--plot", "x.pdf"], "must be a .png or .svg file, not x.pdf"),
    "gate json": ([*GATE, "--json", "/nowhere/x.json"], "/nowhere/x.json can't be written"),
    "gate inconclusive": ([*GATE, "--inconclusive", "x"], "--inconclusive"),
    "race at nowhere": (["race", "full_matrix@nowhere"], "git knows no revision 'nowhere'"),
    "race at nothing": (["race", "full_matrix@"], "a revision is missing after the @"),
    "report nowhere": (["report", "/nowhere"], "can't be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(call, case):
    arguments, message = BAD[case]
    status, out, err = call(*arguments)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.parametrize("content", [b"garbage\n", b'{"schema": 99}\n', b""])
def test_a_broken_folder_is_refused_and_left_as_it_was(call, tmp_path, content):
    path = tmp_path / store.FILE
    path.write_bytes(content)
    status, _, err = call("report", tmp_path)
    assert status == 2
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == content


@pytest.mark.parametrize("option", ["--engines", "--engine"])
@pytest.mark.parametrize(
    "command",
    [
        ("race", "--sizes", "8-4-2"),
        ("train", "--data", "digits"),
        ("sweep", "--grid", "smoke", "--out", "out"),
        ("gate", "--against", "HEAD"),
    ],
)
def test_engines_are_named_alike_everywhere(call, tmp_path, monkeypatch, command, option):
    if command[0] != "gate":  # it asks the repository that it is run in
        monkeypatch.chdir(tmp_path)
    status, _, err = call(*command, option, "per_sample, full_matrix , fusd")
    assert (status, err.count("\n")) == (2, 1)
    assert "unknown engine 'fusd'" in err


def test_what_rounding_hides_of_a_deep_network_is_said_and_costs_nobody_the_race(call):
    status, out, _ = call(
        "race", "full_matrix", "--sizes", "64-100-100-100-100-100-100-10", "--dtype", "float32", "--seconds", 0.2
    )
    told = " ".join(out.split())
    assert status == 0
    assert "the rounding of float32 hides the gradient of weights[0]" in told
    deep = ("--data", "digits", "--sizes", "64-100-100-100-100-100-100-10", "--batch", 500, "--epochs", 1)
    status, out, _ = call("train", *deep, "--dtype", "float32")
    assert status == 0
    assert "hides the gradient of weights[0]" in " ".join(out.split())
    assert "hides" not in call("train", *deep, "--dtype", "float64")[1]
