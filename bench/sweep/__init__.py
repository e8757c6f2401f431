"""Many cells: raced one after the other, here or on a cluster, into a folder.

`bench.sweep(...)` is the function `bench.api.calls.sweep`.
"""

from ..rooms import callable_room

callable_room(__name__)
