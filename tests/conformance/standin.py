"""pytest plugin: let Holdfast answer for ``sqlalchemy.orm``, before anything imports that."""

import sys

if "sqlalchemy.orm" in sys.modules:
    raise RuntimeError("sqlalchemy.orm was imported before the stand-in was installed")

from holdfast.compat import install_as_sqlalchemy_orm

install_as_sqlalchemy_orm()
