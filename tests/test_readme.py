"""What the README shows works when it is pasted."""

import re
from pathlib import Path

import numpy as np
import pytest

from backprop import Network
from backprop.check import verify
from bench import entry

ROOT = Path(__file__).parents[1]


@pytest.fixture
def readme():
    return (ROOT / "README.md").read_text()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_engine_is_complete_short_and_right(readme, tmp_path, dtype):
    (block,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(block.splitlines()) <= 30
    path = tmp_path / "mine.py"
    path.write_text(block)
    (mine,) = entry.resolve([str(path)])
    rng = np.random.default_rng(0)
    x, y = rng.random((11, 9)).astype(dtype), rng.random((11, 3)).astype(dtype)
    assert verify(mine.make, Network.random((9, 6, 5, 3), rng, dtype), x, y, 10) < 1e-5


def test_every_file_it_links_to_is_there(readme):
    links = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link
