"""Stand in for `sqlalchemy.orm`, for applications and tests that import it by that name.

In reading order: `install` (puts the modules in place), `names` (which name of which SQLAlchemy
module is which object of Holdfast), `private_names` (the underscored names that extensions of
SQLAlchemy and its own tests touch), `absent` (names that Holdfast does not have yet).
"""

from holdfast.compat.install import install_as_sqlalchemy_orm

__all__ = ["install_as_sqlalchemy_orm"]
