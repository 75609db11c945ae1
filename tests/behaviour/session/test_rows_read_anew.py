"""An object may be collected and its row read anew: a rollback knows the new object as well."""

from __future__ import annotations

import gc
from typing import Any

from holdfast import Session
from models.library import Author, Base


def test_change_undone_by_a_savepoint_is_undone_on_the_object_read_since(tables: Any) -> None:
    with Session(tables(Base.metadata)) as session:
        session.add(Author(id=1, name="before"))
        session.commit()
        savepoint = session.begin_nested()
        session.get_one(Author, 1).name = "after"
        session.flush()
        gc.collect()
        author = session.get_one(Author, 1)
        assert author.name == "after"

        savepoint.rollback()

        assert author.name == "before"
