"""Arrays by their addresses: nothing is unboxed then when compiled code is called, and no references are counted."""

from __future__ import annotations

from typing import Any

from numba import carray, types
from numba.extending import intrinsic

from .scalars import compiled


@intrinsic
def _pointer(_: Any, address: Any, like: Any) -> Any:
    """The address as a pointer to numbers of the dtype of an array."""
    pointer = types.CPointer(like.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return pointer(address, like), generate


@compiled
def array_at(address: int, size: int, like: Any) -> Any:
    """So many numbers of the dtype of `like`, whose address this is."""
    return carray(_pointer(address, like), (size,))
