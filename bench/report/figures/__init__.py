"""The pictures: one kind a file, all in one style."""
