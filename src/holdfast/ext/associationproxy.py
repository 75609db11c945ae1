"""Define attributes that show an attribute of related objects (XT-20 to XT-30).

`keywords = association_proxy("user_keywords", "keyword")` is a collection of keywords before a
collection of association objects; before a reference it is one value. On the class it compares by
EXISTS. Collections of values are in `association_collections`.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, Final, TypeVar, Unpack, overload
from weakref import WeakKeyDictionary

from sqlalchemy import inspect, or_
from sqlalchemy.sql import operators
from sqlalchemy.sql.operators import ColumnOperators

from holdfast import errors
from holdfast.ext.association_collections import (
    AssociationCollection,
    AssociationDict,
    AssociationList,
    AssociationSet,
)
from holdfast.foundation.codegen import Keywords
from holdfast.foundation.load_policy import DONT_SET
from holdfast.instrument.descriptor import (
    InspectionAttrExtensionType,
    InspectionAttrInfo,
    ORMDescriptor,
)
from holdfast.mapping.declarative.constructs import DataclassArguments, FieldArguments
from holdfast.queries.aliases import real_attribute

T = TypeVar("T")

Getter = Callable[[Any], Any]
Setter = Callable[..., None]


class AssociationProxyExtensionType(InspectionAttrExtensionType):
    """What `extension_type` of an association proxy says."""

    ASSOCIATION_PROXY = "ASSOCIATION_PROXY"


ASSOCIATION_PROXY: Final = AssociationProxyExtensionType.ASSOCIATION_PROXY


class ProxyOptions(Keywords, total=False):
    """What an association proxy may be told beside its two names."""

    creator: Callable[..., Any] | None
    getset_factory: Callable[[Any, Any], tuple[Getter, Setter]] | None
    proxy_factory: Callable[..., Any] | None
    proxy_bulk_set: Callable[[Any, Any], None] | None
    info: dict[Any, Any] | None
    cascade_scalar_deletes: bool
    create_on_none_assignment: bool


class DeclaredProxyOptions(ProxyOptions, FieldArguments, total=False):
    """Keywords of `association_proxy()`."""


def association_proxy(
    target_collection: str, attr: str, **options: Unpack[DeclaredProxyOptions]
) -> AssociationProxy[Any]:
    """Show the attribute `attr` of the objects of a relationship.

    Args:
        target_collection: Name of the relationship.
        attr: Name of the attribute of the related objects, which may be a proxy itself.
        **options: Those of dataclass fields (XT-28), and these:

            - `creator` makes a related object for a value, or for a key and a value; the related
              class when not given (XT-21);
            - `getset_factory` gives other functions that read and set the value of an object;
            - `proxy_factory` gives another collection of values, and `proxy_bulk_set` replaces the
              values of such a collection;
            - `info`: data of the application;
            - `cascade_scalar_deletes`: assigning None takes the related object away (XT-27);
            - `create_on_none_assignment`: assigning None creates a related object (XT-29).
    """
    own: Any = {name: options[name] for name in _OWN_OPTIONS if name in options}  # type: ignore[literal-required]
    field: Any = {name: value for name, value in options.items() if name not in own}
    made: AssociationProxy[Any] = AssociationProxy(target_collection, attr, **own)
    made.dataclass_arguments = DataclassArguments(**field)
    return made


_OWN_OPTIONS = tuple(ProxyOptions.__annotations__)


class AssociationProxy(InspectionAttrInfo, ORMDescriptor[T]):
    """What `association_proxy()` puts on a class."""

    is_attribute = True
    extension_type: InspectionAttrExtensionType = ASSOCIATION_PROXY

    def __init__(self, target_collection: str, attr: str, **options: Unpack[ProxyOptions]) -> None:
        cascades = options.get("cascade_scalar_deletes", False)
        creates = options.get("create_on_none_assignment", False)
        if cascades and creates:
            raise errors.ProxyArgumentError.both_ways_with_none()
        self.target_collection: str = target_collection
        self.value_attr: str = attr
        self.creator: Callable[..., Any] | None = options.get("creator")
        self.getset_factory: Callable[[Any, Any], tuple[Getter, Setter]] | None = options.get(
            "getset_factory"
        )
        self.proxy_factory: Callable[..., Any] | None = options.get("proxy_factory")
        self.proxy_bulk_set: Callable[[Any, Any], None] | None = options.get("proxy_bulk_set")
        self.cascade_scalar_deletes: bool = cascades
        self.create_on_none_assignment: bool = creates
        self.dataclass_arguments: DataclassArguments | None = None
        self.name: str | None = None
        if options.get("info") is not None:
            self.__dict__["info"] = options["info"]
        # Mapped class -> what the proxy is on it.
        self.instances: WeakKeyDictionary[type[Any], AssociationProxyInstance] = WeakKeyDictionary()

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def for_class(self, class_: Any, obj: object | None = None) -> AssociationProxyInstance | None:
        """What the proxy is on a class; None while that is not mapped.

        Args:
            class_: A mapped class, a subclass of one, or an alias.
            obj: An object of it; not looked at.

        Raises:
            NotImplementedError: The proxy does not stand before a relationship.
            InvalidRequestError: The related class fails to give its attribute.
        """
        entity = inspect(class_, raiseerr=False)
        if entity is None:
            return None
        if entity.is_aliased_class:
            return AssociationProxyInstance(self, entity)
        found = self.instances.get(class_)
        if found is None:
            found = self.instances[class_] = AssociationProxyInstance(self, entity)
        return found

    def _on(self, obj: Any) -> AssociationProxyInstance:
        found = self.for_class(type(obj))
        if found is None:
            raise errors.ProxyUseError.unmapped(self, type(obj))
        return found

    @overload
    def __get__(self, instance: Any, owner: None) -> AssociationProxy[T]: ...

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> AssociationProxyInstance: ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...

    def __get__(self, instance: object | None, owner: type[Any] | None) -> Any:
        if owner is None:
            return self
        if instance is not None:
            return self._on(instance).get(instance)
        found = self.for_class(owner)
        return self if found is None else found

    def __set__(self, instance: object, values: T) -> None:
        if values is not DONT_SET:
            self._on(instance).set(instance, values)

    def __delete__(self, instance: object) -> None:
        self._on(instance).delete(instance)

    def __repr__(self) -> str:
        return f"AssociationProxy({self.target_collection!r}, {self.value_attr!r})"


class _Members:
    """Gives a collection of an object, and keeps the object alive."""

    __slots__ = ("key", "owner")

    def __init__(self, owner: Any, key: str) -> None:
        self.owner: Any = owner
        self.key: str = key

    def __call__(self) -> Any:
        return getattr(self.owner, self.key)


class AssociationProxyInstance(ColumnOperators):
    """What an association proxy is on one mapped class, or on an alias of it.

    Attributes:
        proxy: The `AssociationProxy`; also `parent`.
        owning_class: The mapped class.
        target_class: The related class.
        scalar: Whether the relationship leads to one object.
    """

    is_attribute: bool = True
    __hash__: ClassVar[Any] = object.__hash__

    def __init__(self, proxy: AssociationProxy[Any], entity: Any) -> None:
        self.proxy: AssociationProxy[Any] = proxy
        self.parent: AssociationProxy[Any] = proxy
        self.entity: Any = entity
        self.owning_class: type[Any] = entity.mapper.class_
        self.target_collection: str = proxy.target_collection
        self.value_attr: str = proxy.value_attr
        prop = getattr(real_attribute(self.local_attr), "property", None)
        if prop is None or not getattr(prop, "is_relationship", False):
            raise errors.ProxyTargetError.no_relationship(self.owning_class, self.target_collection)
        self.prop: Any = prop
        self.target_class: type[Any] = prop.mapper.class_
        self.scalar: bool = not prop.uselist
        self.collection_class: Any = None if self.scalar else prop.collection_class or list
        # Now, so that a class that fails to give its attribute says so at once.
        self.remote: Any = self._find_remote()

    @property
    def name(self) -> str:
        """Name of the proxy on its class."""
        return self.proxy.name or ""

    @property
    def info(self) -> Any:
        """The notes of the proxy."""
        return self.proxy.info

    @property
    def extension_type(self) -> InspectionAttrExtensionType:
        """That of the proxy."""
        return self.proxy.extension_type

    @property
    def comparator(self) -> AssociationProxyInstance:
        """What has the operators: for a synonym of the proxy."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.proxy!r})"

    # -- the two attributes ------------------------------------------------------------------------

    @property
    def local_attr(self) -> Any:
        """The relationship, on the class or its alias."""
        return getattr(self.entity.entity, self.target_collection)

    def _find_remote(self) -> Any:
        """The attribute of the related class; None where it is not known there."""
        try:
            found = getattr(self.target_class, self.value_attr)
        except AttributeError:
            return None
        except Exception as failure:
            raise errors.ProxyError.class_fails(
                self.target_class, self.value_attr, failure
            ) from failure
        has_operators = getattr(found, "is_attribute", False) or isinstance(
            found, AssociationProxyInstance | ColumnOperators
        )
        return found if has_operators else None

    @property
    def remote_attr(self) -> Any:
        """The attribute of the related class.

        Raises:
            AttributeError: It is mapped on subclasses only, or it is no SQL.
        """
        if self.remote is None:
            raise errors.ProxyUseError.ambiguous(self)
        return self.remote

    @property
    def attr(self) -> tuple[Any, Any]:
        """Both attributes, for `join()`."""
        return self.local_attr, self.remote_attr

    @property
    def target_is_object(self) -> bool:
        """Whether the values are objects."""
        remote = self.remote_attr
        if isinstance(remote, AssociationProxyInstance):
            return remote.target_is_object
        return bool(getattr(getattr(remote, "property", None), "is_relationship", False))

    @property
    def value_is_scalar(self) -> bool:
        """Whether a related object has one value."""
        remote = self.remote_attr
        if isinstance(remote, AssociationProxyInstance):
            return remote.is_scalar
        return not (self.target_is_object and remote.property.uselist)

    @property
    def is_scalar(self) -> bool:
        """Whether an object has one value."""
        return self.scalar and self.value_is_scalar

    # -- values of one object ----------------------------------------------------------------------

    def _functions(self, kind: Any) -> tuple[Getter, Setter]:
        if self.proxy.getset_factory is not None:
            return self.proxy.getset_factory(kind, self)
        read = attrgetter(self.value_attr)
        key = self.value_attr

        def get(target: Any) -> Any:
            return None if target is None else read(target)

        if isinstance(kind, type) and issubclass(kind, dict):
            return get, lambda target, _key, value: setattr(target, key, value)
        return get, lambda target, value: setattr(target, key, value)

    @property
    def _creator(self) -> Callable[..., Any]:
        return self.proxy.creator or self.target_class

    def get(self, obj: Any) -> Any:
        """The value of an object, or its collection of values."""
        if self.scalar:
            return self._functions(None)[0](getattr(obj, self.target_collection))
        members = _Members(obj, self.target_collection)
        if self.proxy.proxy_factory is not None:
            return self.proxy.proxy_factory(members, self._creator, self.value_attr, self)
        collection = members()
        if hasattr(collection, "keys"):
            return AssociationDict(members, self._creator, *self._functions(dict), self)
        if hasattr(collection, "add") and not hasattr(collection, "append"):
            return AssociationSet(members, self._creator, *self._functions(set), self)
        return AssociationList(members, self._creator, *self._functions(list), self)

    def set(self, obj: Any, values: Any) -> None:
        """Give an object another value, or its collection other values."""
        if not self.scalar:
            self._replace(obj, values)
            return
        target = getattr(obj, self.target_collection)
        if target is None:
            if values is not None or self.proxy.create_on_none_assignment:
                setattr(obj, self.target_collection, self._creator(values))
            return
        self._functions(None)[1](target, values)
        if values is None and self.proxy.cascade_scalar_deletes:
            setattr(obj, self.target_collection, None)

    def _replace(self, obj: Any, values: Any) -> None:
        if isinstance(values, AssociationCollection):
            given = values.lazy_collection
            if values.parent is self and isinstance(given, _Members) and given.owner is obj:
                # What `obj.values += ...` assigns.
                return
        shown = self.get(obj)
        if self.proxy.proxy_bulk_set is not None:
            shown.clear()
            self.proxy.proxy_bulk_set(shown, values)
        else:
            shown.replace(values)

    def delete(self, obj: Any) -> None:
        """Take the value away from the related object, and that from the object."""
        holder = getattr(obj, self.target_collection) if self.scalar else None
        if holder is not None:
            delattr(holder, self.value_attr)
        delattr(obj, self.target_collection)

    # -- in SQL ------------------------------------------------------------------------------------

    def __clause_element__(self) -> Any:
        raise errors.ProxyTargetError.no_expression(self)

    def _exists(self, criterion: Any = None, **values: Any) -> Any:
        """Is there a related object that satisfies the criterion?"""
        local = self.local_attr
        look = local.has if self.scalar else local.any
        return look(criterion, **values)

    def criterion_exists(self, criterion: Any = None, **values: Any) -> Any:
        """Is there a value that satisfies the criterion?"""
        remote = self.remote if criterion is None and not values else self.remote_attr
        if isinstance(remote, AssociationProxyInstance):
            return self._exists(remote.criterion_exists(criterion, **values))
        if remote is not None and self.target_is_object:
            look = remote.has if self.value_is_scalar else remote.any
            return self._exists(look(criterion, **values))
        if values:
            raise errors.ProxyArgumentError.keywords(self)
        return self._exists(criterion)

    def any(self, criterion: Any = None, **kwargs: Any) -> Any:
        """Is there a value that satisfies the criterion? (XT-25).

        Raises:
            InvalidRequestError: There is one value at most.
        """
        if self._is_single(criterion, kwargs) is True:
            raise errors.ProxyError.wrong_method("any()", "scalar attributes", "has()")
        return self.criterion_exists(criterion, **kwargs)

    def has(self, criterion: Any = None, **kwargs: Any) -> Any:
        """Is there a value, and does it satisfy the criterion? (XT-25).

        Raises:
            InvalidRequestError: There may be several values.
        """
        is_single = self._is_single(criterion, kwargs)
        if is_single is False:
            raise errors.ProxyError.wrong_method("has()", "collections", "any()")
        if is_single and criterion is not None and not self.target_is_object:
            raise errors.ProxyArgumentError.criterion(self)
        return self.criterion_exists(criterion, **kwargs)

    def _is_single(self, criterion: Any, values: dict[str, Any]) -> bool | None:
        """Whether there is one value at most; None where another proxy decides."""
        remote = self.remote if criterion is None and not values else self.remote_attr
        if isinstance(remote, AssociationProxyInstance):
            return None
        return self.scalar and (remote is None or self.value_is_scalar)

    def contains(self, other: Any, **kwargs: Any) -> Any:
        """Is the object among the values? For columns: does the text contain the other?"""
        remote = self.remote_attr
        if isinstance(remote, AssociationProxyInstance):
            return self._exists(remote == other if remote.scalar else remote.contains(other))
        if not self.target_is_object:
            return self.operate(operators.contains_op, other, **kwargs)
        if not self.value_is_scalar:
            return self._exists(remote.contains(other))
        if self.scalar:
            raise errors.ProxyError.wrong_method("contains()", "a scalar object endpoint", "==")
        return self._exists(**{self.value_attr: other})

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply an operator to the values: is there one for which it holds?"""
        return self._exists(op(self.remote_attr, *other, **kwargs))

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """The same with the value on the right."""
        return self._exists(op(other, self.remote_attr, **kwargs))

    def __eq__(self, other: object) -> Any:
        found = self._compared(operators.eq, other)
        return or_(found, self.local_attr == None) if other is None else found  # noqa: E711

    def __ne__(self, other: object) -> Any:
        return self._compared(operators.ne, other)

    def _compared(self, op: Any, other: object) -> Any:
        remote = self.remote_attr
        is_chain = isinstance(remote, AssociationProxyInstance)
        if self.target_is_object and not self.is_scalar and not is_chain:
            raise errors.ProxyError.wrong_method(f"{op.__name__}()", "collections", "contains()")
        return self._exists(op(remote, other))


__all__ = [
    "ASSOCIATION_PROXY",
    "AssociationDict",
    "AssociationList",
    "AssociationProxy",
    "AssociationProxyExtensionType",
    "AssociationProxyInstance",
    "AssociationSet",
    "association_proxy",
]
