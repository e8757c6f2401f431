"""Files that are no archive of arrays, or a damaged one: told in a line."""

import io
import zipfile

import numpy as np
import pytest

from backprop import InputError
from bench.cells import capacity, datasets


def write(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="can't be read as"):
        datasets.read(str(path))


def test_a_plain_npy_or_pickle_under_that_name_is_refused(tmp_path):
    path = tmp_path / "bad.npz"
    with path.open("wb") as file:
        np.save(file, np.ones((10, 3)))
    with pytest.raises(InputError, match="can't be read as"):
        datasets.read(str(path))
    path.write_bytes(b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94K\x01a.")
    with pytest.raises(InputError, match="can't be read as"):
        datasets.read(str(path))


rng = np.random.default_rng(0)
rows, labels = rng.integers(0, 256, (600, 784), np.uint8) / 255, rng.integers(0, 10, 600)


def whole(save=np.savez_compressed):
    file = io.BytesIO()
    save(file, x=rows[:50], y=labels[:50])
    return file.getvalue()


def with_members(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return file.getvalue()


def npy(shape, content=b""):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


DAMAGED = {
    "cut off": whole()[:20000],
    "cut in the middle": whole()[:5000] + whole()[9000:],
    "a wrong byte, compressed": flipped(whole(), 5000),
    "a wrong byte": flipped(whole(np.savez), 5000),
    "a wrong header": flipped(whole(np.savez), 60),
    "more declared than there": with_members(x_npy=npy((10**9, 10**6)), y_npy=npy((10**9,), bytes(32))),
    "more there than declared": with_members(x_npy=npy((2, 2), bytes(320)), y_npy=npy((2,), bytes(16))),
    "no arrays": with_members(a_txt="text", b_xml="<a/>"),
    "nothing": with_members(),
    "no npy inside": with_members(x_npy="text", y_npy="text"),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_archive_is_a_line(tmp_path, how):
    path = tmp_path / "bad.npz"
    path.write_bytes(DAMAGED[how])
    with pytest.raises(InputError, match=r"bad.npz can't be read as .npz arrays") as refusal:
        datasets.read(str(path))
    assert "\n" not in str(refusal.value)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(capacity, "memory_bytes", lambda: 10**6)
    with pytest.raises(InputError, match=r"x \(600, 784\) float64 is 3,763,200 bytes, more than this machine's memory"):
        datasets.read(write(tmp_path / "large.npz", x=rows, y=labels))
    with pytest.raises(InputError, match="599 classes of 600 samples are more than this machine's memory"):
        datasets.read(write(tmp_path / "numbers.npz", x=rows[:, :2], y=np.arange(600) % 599))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.npy", r"mine.npy is no .npz: make one, by np.savez\('mine.npz', x=np.load\("),
        ("mine.CSV", "is no .npz: make one, by rows = np.loadtxt"),
        ("mine.mat", "is no .npz: make one, by found = scipy.io.loadmat"),
        ("mine.h5", "is no .npz: make one, by np.savez"),
        ("folder.npz", "folder.npz is a folder: an .npz file is wanted"),
    ],
)
def test_other_files_are_told_how_they_become_one(tmp_path, name, message):
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(b"0,1\n")
    with pytest.raises(InputError, match=message):
        datasets.read(str(tmp_path / name))
