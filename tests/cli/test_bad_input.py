"""Bad input, command by command: one clear line, exit status 2, and nothing is done."""

import pytest

from bench.records import store

TO_ACCURACY = ["train", "--data", "digits", "--to-accuracy"]
GATE = ["gate", "--against", "HEAD"]
SWEEP = ["sweep", "--engines", "per_sample", "--out", "/nowhere/out", "--grid"]
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
    "batch text": (["race", "per_sample", "--batch", "ten"], "'--batch': it takes a whole number, not 'ten'"),
    "batch a list": (["race", "per_sample", "--batch", "1,10"], "'--batch': it takes one, not the list '1,10'"),
    "threads a list": (["train", "--threads", "1,2"], "'--threads': it takes one, not the list '1,2': lists go into"),
    "sizes a list": (["train", "--sizes", "8-2,8-4"], "'--sizes': it takes one, not the list '8-2,8-4': lists go into"),
    "dtype a list": (["predict", "x", "--dtype", "float32,float64"], "'--dtype': it takes one, not the list"),
    "head a list": (["race", "per_sample", "--head", "a,b"], "'--head': it takes one, not the list 'a,b'"),
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
    "dtype to train": (["train", "--data", "digits", "--dtype", "int8"], "float32 and float64"),
    "sizes empty": (["train", "--data", "digits", "--sizes", ""], "two or more positive numbers such as"),
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
    "hidden": (["race", "per_sample", "--hidden", "rely"], "unknown activation 'rely': did you mean relu?"),
    "hidden softmax": (["race", "per_sample", "--hidden", "softmax"], "softmax goes on top only"),
    "hidden without a layer": (
        ["race", "per_sample", "--sizes", "8-2", "--hidden", "relu"],
        "no hidden layer to be relu",
    ),
    "head": (["race", "per_sample", "--head", "softmax"], "did you mean softmax-cross-entropy?"),
    "head of one share": (
        ["race", "per_sample", "--sizes", "8-4-1", "--head", "softmax-cross-entropy"],
        "needs two outputs or more",
    ),
    "hidden to predict": (["predict", ".", "--hidden", "rely"], "did you mean relu?"),
    "hidden of a sweep": ([*SWEEP, "smoke", "--hidden", "rely"], "did you mean relu?"),
    "head of a sweep": ([*SWEEP, "smoke", "--head", "relu"], "did you mean relu-quadratic?"),
    "hidden empty": ([*SWEEP, "smoke", "--hidden", ""], "unknown activation ''"),
    "head empty": ([*SWEEP, "smoke", "--head", ""], "unknown head ''"),
    "hours 0": ([*SWEEP, "smoke", "--max-hours", "0"], "--max-hours must be a positive number, not 0"),
    "hours nan": ([*SWEEP, "smoke", "--max-hours", "nan"], "--max-hours must be a positive number, not nan"),
    "hidden of a grid's own": ([*SWEEP, "heads", "--hidden", "relu"], "grid heads names hidden itself: leave --hidden"),
    "head of a grid's own": ([*SWEEP, "heads", "--head", "relu-quadratic"], "grid heads names head itself"),
    "gate against an empty text": (["gate", "--against", ""], "a revision is missing"),
    "gate no engine": ([*GATE, "--engines", ""], "unknown engine ''"),
    "gate engine file": ([*GATE, "--engines", "mine.py"], "engine file mine.py does not exist"),
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


def test_a_folder_with_the_name_of_an_engine_file_is_told_as_one(call, tmp_path):
    (tmp_path / "mine.py").mkdir()
    status, out, err = call("race", tmp_path / "mine.py")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "mine.py is a folder" in err


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
