"""Holdfast neither needs nor disturbs `sqlalchemy.orm`; each test in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

OURS = """
import sqlalchemy as sa
import holdfast
from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author")

class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")
"""

THEIRS = """
import sqlalchemy as sa
from sqlalchemy import orm

class TheirBase(orm.DeclarativeBase):
    pass

class Reader(TheirBase):
    __tablename__ = "reader"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
"""

LIFE = """
engine = sa.create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    author = Author(name="a", books=[Book(), Book()])
    session.add(author)
    session.commit()
    assert author.id == 1 and len(author.books) == 2
    author.name = "b"
    session.flush()
    with session.begin_nested():
        author.name = "c"
    session.rollback()
    assert session.scalars(sa.select(Author).where(Author.name == "a")).one() is author
    session.delete(author.books[0])
    session.commit()
    session.expire_all()
    assert len(author.books) == 1
    assert session.get(Author, 1) is author
    assert sa.inspect(author).persistent
session.close()
"""

TOGETHER = """
engine = sa.create_engine("sqlite://")
Base.metadata.create_all(engine)
TheirBase.metadata.create_all(engine)

seen = []
for each in (Author, Reader):
    sa.event.listen(each, "before_insert", lambda m, c, target: seen.append(type(target)))
sa.event.listen(Author.name, "set", lambda target, value, old, token: seen.append(value))
sa.event.listen(Reader.name, "set", lambda target, value, old, token: seen.append(value))
sa.event.listen(Session, "before_flush", lambda s, c, i: seen.append("ours"))
sa.event.listen(orm.Session, "before_flush", lambda s, c, i: seen.append("theirs"))

with Session(engine) as ours, orm.Session(engine) as theirs:
    author, reader = Author(name="a"), Reader(name="r")
    ours.add(author)
    ours.commit()
    theirs.add(reader)
    theirs.commit()
    assert seen == ["a", "r", "ours", Author, "theirs", Reader], seen

    assert sa.inspect(author).mapper is sa.inspect(Author)
    assert sa.inspect(reader).mapper is sa.inspect(Reader)
    assert sa.inspect(author).session is ours
    assert sa.inspect(reader).session is theirs
    assert type(sa.inspect(Author)).__module__.startswith("holdfast.")
    assert type(sa.inspect(Reader)).__module__.startswith("sqlalchemy.orm")
    assert sa.inspect(engine).has_table("author")
    for other in (object(), 5, object, int):
        assert sa.inspect(other, raiseerr=False) is None

    assert ours.scalars(sa.select(Author)).all() == [author]
    assert theirs.scalars(sa.select(Reader)).all() == [reader]
    rows = ours.execute(sa.select(Author.name)).all() + theirs.execute(sa.select(Reader.name)).all()
    assert rows == [("a",), ("r",)]
"""

NO_ORM = """
import sys
loaded = [name for name in sys.modules if f"{name}.".startswith("sqlalchemy.orm.")]
assert not loaded, loaded
"""


def run_fresh(*parts):
    source = "\n".join(textwrap.dedent(part) for part in parts)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_import_and_full_life_cycle_load_no_sqlalchemy_orm():
    run_fresh(OURS, LIFE, NO_ORM)


@pytest.mark.parametrize(
    "order", [(OURS, THEIRS), (THEIRS, OURS)], ids=["ours-first", "theirs-first"]
)
def test_both_live_in_one_process(order):
    run_fresh(*order, TOGETHER, LIFE)


def test_sqlalchemy_orm_can_be_imported_after_a_session():
    run_fresh(OURS, LIFE, THEIRS, TOGETHER)


@pytest.mark.parametrize("module", ["session", "util", "ext.asyncio"])
def test_public_module_that_is_imported_first_is_ready_for_use(module):
    run_fresh(f"import holdfast.{module}", OURS, LIFE)


def test_every_module_of_the_package_can_be_imported_alone():
    run_fresh(
        """
        import importlib, pkgutil, holdfast
        for module in pkgutil.walk_packages(holdfast.__path__, "holdfast."):
            importlib.import_module(module.name)
        """,
        NO_ORM,
    )


def test_stand_in_answers_for_sqlalchemy_orm():
    run_fresh(
        """
        from holdfast.compat import install_as_sqlalchemy_orm
        install_as_sqlalchemy_orm()
        install_as_sqlalchemy_orm()
        import holdfast, sqlalchemy
        import sqlalchemy.orm.session
        from sqlalchemy.orm import Session, exc, mapped_column
        from sqlalchemy.orm.attributes import flag_modified
        assert Session is holdfast.Session is sqlalchemy.orm.session.Session
        assert mapped_column is holdfast.mapped_column
        assert exc.StaleDataError is holdfast.exc.StaleDataError
        try:
            from sqlalchemy.orm import no_such_name
        except ImportError:
            pass
        else:
            raise AssertionError("an unknown name was imported")
        try:
            import sqlalchemy.orm.no_such_module
        except ImportError:
            pass
        else:
            raise AssertionError("an unknown module was imported")
        """
    )


def test_stand_in_refuses_when_sqlalchemy_orm_is_there():
    run_fresh(
        """
        import sqlalchemy.orm
        from holdfast.compat import install_as_sqlalchemy_orm
        try:
            install_as_sqlalchemy_orm()
        except RuntimeError as error:
            assert "stand-in-too-late" in str(error)
        else:
            raise AssertionError("it was installed")
        assert sqlalchemy.orm.Session.__module__ == "sqlalchemy.orm.session"
        """
    )
