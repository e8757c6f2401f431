"""What is written to a terminal: lines, tables, progress, and streams that can not end a run."""
