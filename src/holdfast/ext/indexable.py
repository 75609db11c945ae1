"""Define attributes that are one element of a JSON or array column (XT-121).

```python
data: Mapped[dict] = mapped_column(JSON)
name = index_property("data", "name")
```

On objects such an attribute reads and writes `data["name"]`, on the class it is that in SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from holdfast import errors
from holdfast.ext.hybrid import hybrid_property
from holdfast.foundation.load_policy import NO_VALUE
from holdfast.instrument.access import flag_modified
from holdfast.instrument.manager import manager_of_class

T = TypeVar("T")


class index_property(hybrid_property[T]):  # noqa: N801  the public name
    """An attribute that is one element of the value of another one.

    A change is written without further tracking of the column, and the value that holds the
    element is made where it is None. The other attribute may be an `index_property` too. A
    subclass may give other SQL with `expr()`:

    ```python
    class text_property(index_property):
        def expr(self, model):
            return super().expr(model).as_string()
    ```

    Args:
        attr_name: The attribute whose value holds the element.
        index: Place or key of the element, as in Python.
        default: What an absent element reads as; without, reading one raises.
        datatype: Makes the value where it is None; by default a dictionary, or for an integer
            index a list that is long enough.
        mutable: Whether the element may be set and deleted.
        onebased: Whether the database counts an array from 1.
    """

    def __init__(
        self,
        attr_name: str,
        index: Any,
        default: Any = NO_VALUE,
        datatype: Callable[[], Any] | None = None,
        mutable: bool = True,  # noqa: FBT001, FBT002  the documented position
        onebased: bool = True,  # noqa: FBT001, FBT002  the documented position
    ) -> None:
        fset, fdel = (self.fset, self.fdel) if mutable else (None, None)
        super().__init__(self.fget, fset, fdel, self.expr)
        self.__doc__ = type(self).__doc__
        self.attr_name: str = attr_name
        self.index: Any = index
        self.default: Any = default
        self.onebased: bool = onebased and isinstance(index, int)
        self.datatype: Callable[[], Any] = datatype or self._new_value

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.__name__ = name

    def _new_value(self) -> Any:
        return [None] * (self.index + 1) if isinstance(self.index, int) else {}

    def _refusal(self, instance: Any) -> Exception:
        return errors.AttributeAccessError.no_element(
            type(instance), self.__name__, self.attr_name, self.index
        )

    def fget(self, instance: Any) -> Any:
        """The element of an object's value.

        Raises:
            AttributeError: There is none, and no default.
        """
        value = getattr(instance, self.attr_name)
        try:
            if value is not None:
                return value[self.index]
        except (KeyError, IndexError):
            pass
        if self.default is NO_VALUE:
            raise self._refusal(instance)
        return self.default

    def _put_back(self, instance: Any, value: Any) -> None:
        """Have a value that was changed in place written."""
        setattr(instance, self.attr_name, value)
        if self.attr_name in manager_of_class(type(instance)):
            flag_modified(instance, self.attr_name)

    def fset(self, instance: Any, value: Any) -> None:
        """Set the element.

        Raises:
            IndexError: The value is a list that is too short.
        """
        whole = getattr(instance, self.attr_name, None)
        if whole is None:
            whole = self.datatype()
        whole[self.index] = value
        self._put_back(instance, whole)

    def fdel(self, instance: Any) -> None:
        """Delete the element.

        Raises:
            AttributeError: There is none.
        """
        whole = getattr(instance, self.attr_name, None)
        try:
            if whole is None:
                raise KeyError(self.index)
            del whole[self.index]
        except (KeyError, IndexError):
            raise self._refusal(instance) from None
        self._put_back(instance, whole)

    def expr(self, model: Any) -> Any:
        """The element in SQL, of a class or an alias of one; to be overridden."""
        return getattr(model, self.attr_name)[self.index + 1 if self.onebased else self.index]


__all__ = ["index_property"]
