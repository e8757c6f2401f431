"""What a person sees, as a test reads it: a terminal's text, a page with its pictures' words."""

import re
from base64 import b64decode
from io import StringIO

from rich.console import Console

from bench.report.figures import save
from bench.terminal.console import show


def with_pictures(html):
    """The page's text, and instead of each picture's data its SVG."""
    return re.sub(r"data:image/svg\+xml;base64,([^\"]+)", lambda found: b64decode(found[1]).decode(), html)


def leave_out_png(monkeypatch):
    """Draw every figure as SVG alone, which tells its words."""
    encode = save.encode
    monkeypatch.setattr(
        save, "encode", lambda figure, form, **more: b"" if form == "png" else encode(figure, form, **more)
    )


def text(parts, width=80):
    """What is printed, in a terminal so wide."""
    screen = Console(file=StringIO(), width=width)
    show(parts, screen)
    return screen.file.getvalue()
