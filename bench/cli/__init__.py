"""The command line: a file for each command, a few calls whose names tell the story."""
