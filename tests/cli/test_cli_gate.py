"""`backprop-bench gate`: its exit status, the files it writes, and whose engines it judges."""

import json
import subprocess

import pytest
from examples import make_finding, make_gate_record

from bench.cells import revisions

GATE = ["gate", "--against", "HEAD"]
GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]


@pytest.mark.parametrize(
    ("finding", "options", "expected"),
    [
        (make_finding(), [], 0),
        (make_finding(verdict="regressed", slowdown=1.1), [], 1),
        (make_finding(verdict="regressed", slowdown=1.1), ["--inconclusive", "pass"], 1),
        (make_finding(verdict="inconclusive", why="no time", slower=True), [], 3),
        (make_finding(verdict="inconclusive", why="no time", slower=True), ["--inconclusive", "pass"], 0),
        (make_finding(verdict="inconclusive", why="no time", slower=True), ["--inconclusive", "skip"], 125),
        (make_finding(verdict="regressed", slowdown=1.1), ["--inconclusive", "skip"], 1),
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "no engines are named, and {0} has none of backprop-bench's own: name those to judge",
        ),
        (
            ["--engines", "fused"],
            "fused is an engine of backprop-bench's own, and {0} is not its repository",
        ),
        (["--engines", "{1}"], "engine file {1} lies in no repository, and the gate judges that of the current folder"),
    ],
)
def test_the_gate_judges_the_repository_that_one_stands_in_and_no_other(
    call, monkeypatch, tmp_path_factory, tmp_path, arguments, message
):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run([*GIT, "commit", "--quiet", "--allow-empty", "--message", "one"], check=True, cwd=tmp_path)
    (elsewhere := tmp_path_factory.mktemp("elsewhere") / "mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    status, _, err = call(*GATE, *(argument.format(tmp_path, elsewhere) for argument in arguments))
    assert status == 2
    assert message.format(tmp_path, elsewhere) in err
    assert err.count("\n") == 1


def test_where_there_is_no_repository_there_is_nothing_to_judge(call, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(*GATE, "--engines", "mine.py")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "is not a git repository, nor in one: run it in your engines' one" in err
