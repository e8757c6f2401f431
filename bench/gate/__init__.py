"""A change against a git revision: whether it slowed an engine down.

`bench.gate(...)` is the function `bench.api.calls.gate`.
"""

from ..rooms import callable_room

callable_room(__name__)
