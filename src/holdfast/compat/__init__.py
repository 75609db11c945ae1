"""Stand in for `sqlalchemy.orm`, for applications and tests that import it by that name.

Called by programs only. In reading order:

- `install`: puts the modules in place; stands in for modules of `sqlalchemy.ext` too; which name
  of which module of SQLAlchemy is which object of Holdfast; names that Holdfast does not have
  yet; constructors whose text can be looked up.
- `private_names`: the underscored names that extensions of SQLAlchemy and its own tests touch.
- `private_functions`: those of them that are no object of Holdfast by another name.
- `private_members`: underscored members of our classes, put there by the installation.
- `join_conditions`: join conditions of relationships, made from tables alone; keys copied from
  one object to another; the guarded methods that SQLAlchemy's tests try out on classes of their
  own.
- `load_paths`: paths and loader options; the class of paths that SQLAlchemy's tests look into.
- `registered_attributes`: class-level attributes over a descriptor of somebody else; attributes
  on classes without a mapper, as SQLAlchemy's tests make them.
"""

from holdfast.compat.install import install_as_sqlalchemy_orm

__all__ = ["install_as_sqlalchemy_orm"]
