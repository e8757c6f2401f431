"""Standard output and error as streams that can't end a run: what they can't write is escaped, or not written."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class Patient:
    """A stream of text whose write never raises.

    What its encoding has no characters for is written with backslashes. Once its reader has gone, or nothing can be
    written to it, the rest is lost; all but a reader that has gone is told on standard error.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        encoding = self.stream.encoding or "utf-8"
        self._attempt(lambda: self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding)))
        return len(text)

    def flush(self) -> None:
        self._attempt(self.stream.flush)

    def _attempt(self, act: Any) -> None:
        if self.lost:
            return
        try:
            act()
        except OSError as error:
            self.lost = True
            with suppress(OSError):  # what waits in its buffers would fail again when the process ends
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self.stream.fileno())
                os.close(null)
                self.stream.flush()
            if error.errno != errno.EPIPE and self.stream.name != "<stderr>":
                print(f"backprop-bench: warning: the output can't be written: {error.strerror}", file=sys.stderr)


@contextmanager
def patient() -> Iterator[None]:
    """Within the block, standard output and error are patient; at its end all is written that can be."""
    kept = sys.stdout, sys.stderr
    streams = [Patient(stream) if stream else stream for stream in kept]  # None where it was closed from the start
    sys.stdout, sys.stderr = streams
    try:
        yield
    finally:
        for stream in streams:
            if stream:
                stream.flush()
        sys.stdout, sys.stderr = kept
