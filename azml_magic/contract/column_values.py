"""What the values of a column are, as pandas holds them, for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    import numpy as np
    from pandas.api.extensions import ExtensionArray, ExtensionDtype

    Array = np.ndarray[Any, Any]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]
    Column = Union[Array, ExtensionArray]
    DType = Union[np.dtype[Any], ExtensionDtype]
else:
    Array = Flags = Column = DType = Any
