"""An engine's class as the text of an engine file."""


def source_of(engine: type) -> str:
    """The text of an engine file for a class that is in no file."""
    raise NotImplementedError
