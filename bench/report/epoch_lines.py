"""A training run as lines, so many epochs side by side: one for each epoch, then one for each engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from ..timing.training import Epoch
from . import numbers


def heading(names: Sequence[str]) -> str:
    """What stands above the epochs' lines."""
    return f"epoch  {'  '.join(f'{name:>{_width(name)}} accuracy' for name in names)}"


def line(epoch: Epoch) -> str:
    """Each engine's seconds and test accuracy."""
    told = (
        f"{numbers.seconds(took):>{_width(name)}} {epoch.accuracy[name]:8.2%}" for name, took in epoch.seconds.items()
    )
    return f"{epoch.number:5}  {'  '.join(told)}"


def conclusion(epochs: Sequence[Epoch]) -> Iterator[str]:
    """Medians over the epochs; each factor, over the first engine, is the median of the epochs' own ratios."""
    first, *_ = names = list(epochs[0].seconds)
    for name in names:
        typical = median(epoch.seconds[name] for epoch in epochs)
        told = f"{name}: {numbers.seconds(typical)} an epoch, test accuracy {epochs[-1].accuracy[name]:.2%}"
        if name != first:
            gain = median(epoch.seconds[first] / epoch.seconds[name] for epoch in epochs)
            told += f"; {numbers.factor(gain)} as fast as {first}"
        yield told


def _width(name: str) -> int:
    return max(len(name), 10)
