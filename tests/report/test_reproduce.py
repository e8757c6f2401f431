"""How to reproduce: the commands that a report prints, taken as the command line takes them, race the same again."""

import shlex
import subprocess
import tomllib

import msgspec
import pytest
from examples import make_record, make_timed_record, make_training

from bench.cells import address
from bench.cells.cell import make_cell
from bench.cells.grids import cells_of
from bench.cli import main as cli
from bench.report import reproduce
from bench.timing.to_accuracy import Goal


def test_the_cells_come_back_from_the_commands(tmp_path):
    cells = [*cells_of("smoke"), make_cell("784-100-10", 5, "float32", 1), make_cell("784-100-10", 6, "float64", 1)]
    found = [make_timed_record(cell, {"per_sample": 2.0, "my engine.py#2": 1.0}) for cell in cells]
    (tmp_path / "script").write_text(
        'git() { :; }\nbackprop-bench() { echo "$@"; }\n' + reproduce.commands(found, []), encoding="utf-8"
    )
    done = subprocess.run(["bash", "script"], cwd=tmp_path, check=True, capture_output=True, text=True)
    calls = done.stdout.splitlines()
    assert len(calls) == 3
    assert all("--engines per_sample,my engine.py --out results/again-" in call for call in calls)
    again = [cell for path in sorted(tmp_path.glob("*.toml")) for cell in cells_of(str(path))]
    assert sorted(again, key=str) == sorted(cells, key=str)
    assert all(tomllib.loads(path.read_text()) for path in tmp_path.glob("*.toml"))


def test_an_epoch_is_repeated_by_the_suite():
    script = reproduce.commands([make_record(data="mnist5k")], [])
    assert script.splitlines()[-1].startswith("pytest --benchmark -k epoch --engines per_sample,full_matrix")
    assert ".toml" not in script
    assert "--hidden" not in script
    epochs = [
        make_record(data="mnist5k", hidden=hidden, head="softmax-cross-entropy") for hidden in ("relu", "sigmoid")
    ]
    *_, relu, sigmoid = reproduce.commands(epochs, []).splitlines()
    assert " --hidden relu --head softmax-cross-entropy" in relu
    assert " --head softmax-cross-entropy" in sigmoid
    assert "--hidden" not in sigmoid


def test_functions_come_back_from_a_grid_file_and_all_of_a_named_grid_by_its_name(tmp_path, parsed):
    square = [
        make_cell("8-4-2", 3, "float64", 1, hidden=hidden, head=head)
        for hidden in ("sigmoid", "relu")
        for head in ("sigmoid-quadratic", "softmax-cross-entropy")
    ]
    odd = [
        make_cell("8-4-2", 5, "float64", 1),
        make_cell("8-4-2", 5, "float64", 1, hidden="tanh", head="relu-quadratic"),
    ]
    for cells, parts in ((square, 1), (odd, 2), (cells_of("heads"), 1)):
        (folder := tmp_path / cells[-1].id).mkdir()
        found = [make_timed_record(cell, {"fused": 1.0}) for cell in cells]
        _, *calls = run(reproduce.commands(found, []), folder)
        names = [parsed(call)["grid_name"] for call in calls]
        assert len(names) == parts
        assert (names == ["heads"]) == (cells is not square and cells is not odd)
        again = [cell for name in names for cell in cells_of(str(folder / name) if name != "heads" else name)]
        assert sorted(again, key=str) == sorted(cells, key=str)


def run(script, folder):
    """What each command is called with; the files that the script writes are in the folder."""
    shown = 'printf "%q " "$@"; echo; }\n'
    told = f"git() {{ {shown}backprop-bench() {{ {shown}pytest() {{ {shown}"
    (folder / "script").write_text(told + script, encoding="utf-8")
    done = subprocess.run(["bash", "script"], cwd=folder, check=True, capture_output=True, text=True)
    return [shlex.split(line) for line in done.stdout.splitlines()]


@pytest.fixture
def parsed(monkeypatch):
    """The options of a command as the command line hands them to it, by their names."""

    def parse(arguments):
        group = cli.typer.main.get_command(cli.app)
        command = group.commands[arguments[0]]
        return command.make_context(arguments[0], list(arguments[1:])).params

    return parse


def begun_with(record, seconds=None, floor=None, **environment):
    about = msgspec.structs.replace(record.environment, **environment)
    return msgspec.structs.replace(record, seconds=seconds, floor_asked=floor, environment=about)


def test_a_race_comes_back_with_all_that_it_was_begun_with(tmp_path, parsed):
    cells = [make_cell("8-4-2", batch, "float32", 2, here=False) for batch in (3, 5)]
    names = ["per_sample", "per_sample#2", "my dir/it's.py", "full_matrix@origin/main"]
    found = []
    for cell in cells:
        record = make_timed_record(cell, dict.fromkeys(names, 1.0))
        results = [
            msgspec.structs.replace(one, commit="c" * 40) if "@" in one.name else one for one in record.contestants
        ]
        record = msgspec.structs.replace(record, contestants=results)
        found.append(begun_with(record, 0.1, False, allocator="default", revision="a" * 40))
    found.append(begun_with(found[0], 2.5, True, allocator="pinned", revision="b" * 40))
    script = reproduce.commands(found, [])
    first, one, second, other = run(script, tmp_path)
    assert (first[-1], second[-1]) == ("a" * 40, "b" * 40)
    options = parsed(one)
    assert address.addresses(options["engines"]) == [
        "per_sample", "per_sample", "my dir/it's.py", "full_matrix@" + "c" * 40
    ]  # fmt: skip
    assert (options["seconds"], options["floor"], options["allocator"]) == (0.1, False, "default")
    assert cells_of(str(tmp_path / options["grid_name"]), here=False) == cells
    options = parsed(other)
    assert (options["seconds"], options["floor"], options["allocator"]) == (2.5, True, "pinned")
    assert cells_of(str(tmp_path / options["grid_name"]), here=False) == cells[:1]
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.toml")}
    run(script, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.toml")} == before, "by itself only"
    assert parsed(one)["out"] != options["out"]


def test_a_sweep_that_takes_longer_than_one_may_by_itself_is_allowed_to(tmp_path, parsed):
    found = [begun_with(make_record(batch), 3600.0, True) for batch in range(1, 20)]
    _, command = run(reproduce.commands(found, []), tmp_path)
    assert parsed(command)["max_hours"] > 19


def test_an_epoch_has_the_seconds_of_a_cell(tmp_path):
    *_, command = run(reproduce.commands([begun_with(make_record(data="mnist5k"), 10.0, False)], []), tmp_path)
    assert command[command.index("--cell-seconds") + 1] == "2.5"
    assert "--no-floor" in command


def test_a_training_comes_back_seed_for_seed_at_the_rates_it_had(tmp_path, parsed):
    goal = {"limit": 40, "target": 0.85}
    rates = {1: 0.25, 10: 2.5, 100: 2.5}
    found = [
        make_training(batch, seed, {"per_sample": (1.0, 3), "fused": (0.5, None)}, eta=rates[batch], **goal)
        for batch, seeds in ((1, (3, 4, 9)), (10, (3, 4, 9)), (100, (3,)))
        for seed in seeds
    ]
    _, *calls = run(reproduce.commands([], found), tmp_path)
    asked = set()
    for options in map(parsed, calls):
        assert options["engines"] == "per_sample,fused"
        assert (options["accuracy"], options["epochs"], options["dataset"]) == (0.85, 40, "mnist5k")
        goal = Goal(options["accuracy"], options["epochs"], options["eta"])
        for batch in map(int, options["batch"].split(",")):
            assert goal.learning_rate(batch) == pytest.approx(rates[batch], rel=1e-12)
            asked |= {(batch, options["seed"] + n) for n in range(options["seeds"])}
    assert asked == {(each.cell.batch, each.seed) for each in found}
