"""One strategy a file; the file's name is the engine's name."""
