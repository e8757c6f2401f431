"""The public face in Python: race, sweep, gate and load, and what they give."""
