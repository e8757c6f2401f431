"""What is kept: records, a line of JSON each, and the files that they lie in."""
