"""`backprop-bench race`: the table, the record, and an engine that fails or is hidden by rounding."""

from stand_ins import PLAIN, engine_file

from bench.records import store


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
    wrong = engine_file(tmp_path / "wrong.py", "    def step(self, x, y, eta): super().step(x, y, 2 * eta)\n")
    raises = engine_file(tmp_path / "raises.py", "    def __init__(self, network): raise ValueError('no [way]')\n")
    status, out, _ = call("race", "per_sample", wrong, raises, "full_matrix", "--sizes", "8-4-2", "--seconds", 0.2)
    unwrapped = "".join(out.split())  # a long path is broken anywhere
    assert status == 1
    assert f"{wrong} was left out: the gradient of weights[1] is off by".replace(" ", "") in unwrapped
    assert f"{raises} was left out: ValueError: no [way]".replace(" ", "") in unwrapped
    assert "full_matrix" in out


def test_an_engine_that_does_not_say_that_it_knows_the_functions_is_left_out_and_the_others_are_raced(call, tmp_path):
    (mine := tmp_path / "mine.py").write_text(PLAIN)
    small = ("--sizes", "8-4-2", "--seconds", 0.2, "--hidden", "relu", "--head", "softmax-cross-entropy")
    status, out, _ = call("race", mine, "full_matrix", *small)
    assert status == 0
    assert "relu hidden layers, softmax output under cross-entropy cost" in out
    why = "can't train this network: it has no `handles` that says it knows other functions than the sigmoid"
    assert f"{mine} was left out: it {why}".replace(" ", "") in "".join(out.split())
    status, out, err = call("race", mine, *small, "--json", tmp_path / "x.json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"nobody can be raced at 8-4-2-b10-float64-t1-relu-softmax-cross-entropy: {mine}: it {why}" in err
    assert not (tmp_path / "x.json").exists()


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
