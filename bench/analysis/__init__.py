"""Numbers from records: intervals, speedups, the tidy frame, the ladder, the cost model."""
