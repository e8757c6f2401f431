"""Addresses of engines as text: NAME, path/to/mine.py or package.module:Class, each also @REV."""

from __future__ import annotations

import os


def addresses(*lists: str) -> list[str]:
    """The addresses in these lists: a,b,... with blanks where one likes; what is a file as it stands is one address."""
    return [
        address
        for text in lists
        # A list may be too long for a path, which pathlib would raise for.
        for address in ([text] if os.path.isfile(text) else map(str.strip, text.split(",")))  # noqa: PTH113
    ]


def parts_of(address: str) -> tuple[str, str | None]:
    """The engine of an address, and the revision after its @, None where there is none; both may have an @ in them."""
    ends = [at for at, character in enumerate(address) if character == "@"]
    if ends and not os.path.isfile(address):  # noqa: PTH113  # too long for a path, it is none
        of_files = [at for at in ends if address[:at].endswith(".py")]
        at = of_files[0] if of_files else ends[0]
        return address[:at], address[at + 1 :]
    return address, None


def label_of(address: str, commit: str | None = None) -> str:
    """What an engine is called in an error, by its address."""
    engine, revision = parts_of(address)
    kind = "engine file " if engine.endswith(".py") else "engine " if ":" in engine else ""
    return f"{kind}{engine} of {revision} ({commit[:10]})" if commit else f"{kind}{engine}"
