"""Claims that others have published, raced here: what was said, what it is on this machine, and one word for it."""
