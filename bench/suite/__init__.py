"""What `pytest --benchmark` collects, and how it is run."""
