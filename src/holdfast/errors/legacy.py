"""Define the errors of the 1.x forms that `holdfast.legacy` keeps."""

from __future__ import annotations

from sqlalchemy import exc

from holdfast.errors.base import HoldfastError, cause


class LegacySessionError(HoldfastError, exc.InvalidRequestError):
    """A session of the 1.x form is not in a state in which this is possible."""

    already_begun: cause = cause(
        "A transaction is already begun. Use subtransactions=True to allow subtransactions. A "
        "session without autocommit is in a transaction at all times. [legacy-begun]"
    )
    not_begun: cause = cause(
        "No transaction is begun. With autocommit=True there is one only after session.begin(). "
        "[legacy-not-begun]"
    )
    only_relationships: cause = cause(
        "Could not refresh instance '{state!i}'. {names!j} load with the columns only: name at "
        "least one column attribute too. [legacy-refresh]"
    )


class LegacyArgumentError(HoldfastError, exc.ArgumentError):
    """An argument of a 1.x form is of no use."""

    lock_mode: cause = cause(
        "Unknown with_lockmode argument: {mode!r}. Use 'read', 'update', 'update_nowait' or None. "
        "[legacy-lock-mode]"
    )
    identity_key: cause = cause(
        "unknown keyword arguments: {names!j}. Use identity_key(cls, ident), identity_key(cls, "
        "row=row) or identity_key(instance=obj). [legacy-identity-key]"
    )


class LegacyNameError(HoldfastError, exc.InvalidRequestError):
    """A name stands for no attribute of the entity."""

    relationship: cause = cause(
        "Entity '{entity}' has no property '{name}'. A join by name needs a relationship of the "
        "entity on its left side. [legacy-name]"
    )
    of_option: cause = cause(
        "Can't find property named '{name}' on any entity of this Query. Name an attribute of the "
        "class that is queried, or of the one that the path has reached. [legacy-option-name]"
    )
