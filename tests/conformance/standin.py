"""pytest plugin: stop unless Holdfast answers for ``sqlalchemy.orm``, as `sitecustomize` says."""

from holdfast.compat import install_as_sqlalchemy_orm

install_as_sqlalchemy_orm()
