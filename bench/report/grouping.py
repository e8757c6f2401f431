"""The rows of a grid, set by set: all that differs in batch size and width only goes into one picture or table."""

from __future__ import annotations

import pandas as pd

from ..cells.cell import Setting
from .machines import letters

KEYS = ["inputs", "depth", "outputs", *Setting._fields]  # what the rows of a set have in common


def grid_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of cells on random data, with the parts of sizes as columns.

    place is the letter of the row's machine where there are several, else empty.
    """
    grid = rows[rows["data"] == "random"]
    layers = grid["sizes"].str.split("-")
    return grid.assign(
        inputs=layers.str[0],
        outputs=layers.str[-1],
        width=layers.str[1:-1].str.join("-"),
        depth=layers.str.len() - 2,
        place=grid["machine"].map(letters(rows["machine"])),
    )


def widths(part: pd.DataFrame) -> list[str]:
    """The hidden layers that the rows have, in order of their width."""
    return sorted(part["width"].unique(), key=lambda width: [int(size) for size in width.split("-") if size])


def depth(hidden_layers: int) -> str:
    """A number of hidden layers in words."""
    return {0: "no hidden layer", 1: "one hidden layer"}.get(hidden_layers, f"{hidden_layers} hidden layers")


def setting(part: pd.DataFrame) -> str:
    """What the rows of a set have in common in words, after the machine's letter where there are several."""
    first = part.iloc[0]
    layers = f"{first['inputs']} inputs, {depth(first['depth'])}, {first['outputs']} outputs"
    words = "; ".join([layers, *Setting(*first[[*Setting._fields]]).told])
    return f"machine {first['place']}: {words}" if first["place"] else words


def of_setting(rows: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    """The rows of this setting, on whatever machine."""
    return rows[(rows[[*Setting._fields[1:]]] == [*setting[1:]]).all(axis=1)]
