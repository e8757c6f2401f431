"""How numbers are written wherever people and scripts read them: factors, times, shares."""

from __future__ import annotations

from math import inf

from ..analysis.intervals import Estimate


def rounded(value: float) -> float:
    """Six significant digits: those that any processor comes to from the same records."""
    return float(f"{value:.6g}")


def factor(value: float) -> str:
    """A ratio with three significant digits: 0.97x, 4.60x, 12.3x, 1234x."""
    return f"{value:#.3g}".rstrip(".") + "x" if value < 999.5 else f"{value:.0f}x"


def interval(low: float, high: float) -> str:
    """The ends of a factor's interval: 4.51-4.72x; one pass has none."""
    return f"{factor(low)[:-1]}-{factor(high)}" if low > 0 or high < inf else "none: one pass"


def estimate(value: Estimate) -> str:
    """A factor with its interval: 4.60x (4.51-4.72x)."""
    known = value.low > 0 or value.high < inf
    return f"{factor(value.value)} ({interval(value.low, value.high) if known else 'one pass: no interval'})"


def seconds(value: float) -> str:
    """A time with three significant digits in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= 0.9995 * size:  # 999.6 us is 1.00 ms with three digits
            return f"{value / size:#.3g}".rstrip(".") + f" {unit}"
    return f"{value * 1e9:.0f} ns"


def size(value: float) -> str:
    """Bytes with three significant digits in the unit that suits them, powers of 1,000."""
    for unit, whole in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= 0.9995 * whole:
            return f"{value / whole:#.3g}".rstrip(".") + f" {unit}"
    return f"{value:.0f} B"


def rate(value: float, unit: str) -> str:
    """So many units a second, with three significant digits and the prefix that suits them: 52.5 Gflop/s."""
    for prefix, whole in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 0.9995 * whole:
            return f"{value / whole:#.3g}".rstrip(".") + f" {prefix}{unit}/s"
    return f"{value:.3g} {unit}/s"
