"""The stopwatch: one cell, raced in processes of its own, becomes a record; and training, timed."""
