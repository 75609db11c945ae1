"""Let Holdfast answer for ``sqlalchemy.orm`` in every process that the tests start.

Python runs this file when it starts, if the folder is on its path.
"""

from holdfast.compat import install_as_sqlalchemy_orm

install_as_sqlalchemy_orm()
