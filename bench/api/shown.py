"""What an object shows of itself: as text in a terminal, as a table and a picture in a notebook."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..report.document import Block, Table, Text
from ..terminal.console import show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 100  # letters
WIDTH_PIXELS = 660  # of a picture: what a page of a notebook has room for, which keeps them in its file


class Shown:
    """An object that is told in lines and tables, and has a picture."""

    def told(self) -> Iterable[str | Table]:
        """What is to be said of it."""
        raise NotImplementedError

    @property
    def pictured(self) -> str:
        """What the picture shows, in words."""
        raise NotImplementedError

    def plot(self) -> Figure:
        """Its picture, a matplotlib figure."""
        raise NotImplementedError

    def __repr__(self) -> str:
        text = io.StringIO()
        show(self.told(), Console(file=text, width=WIDTH, emoji=False, force_jupyter=False, color_system=None))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines()).strip()

    def _repr_html_(self) -> str:
        """The lines and tables, and the picture below them, in one piece of HTML."""
        from ..report import html

        blocks: list[Block] = [
            part if isinstance(part, Table) else Text(part, small=True) for part in self.told() if part
        ]
        picture = f"data:image/png;base64,{b64encode(_png(self.plot())).decode()}"
        return html.fragment(blocks, html.Shot(self.pictured, "", picture, wide=True))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """For a notebook: HTML with the picture in it; and text."""
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}


def displayed(figure: Figure) -> Figure:
    """The figure, so that a notebook shows it by itself: it is none of pyplot's."""
    figure._repr_png_ = lambda: _png(figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: Figure) -> bytes:
    from ..report.figures import save

    return save.encode(figure, "png", width=WIDTH_PIXELS)
