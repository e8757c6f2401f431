"""Backpropagation engines: interchangeable ways to take one step of stochastic gradient descent."""

from .engine import Engine, load, names
from .errors import EngineError, GradientError, InputError
from .network import Network

__all__ = ["Engine", "EngineError", "GradientError", "InputError", "Network", "load", "names"]
