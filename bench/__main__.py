"""`python -m bench` is `backprop-bench`."""

from .cli import main

main()
