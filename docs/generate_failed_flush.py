"""Write `failed-flush.md` from the table of failures in `tests/failures.toml`.

python docs/generate_failed_flush.py
"""

import re
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parent / "tests" / "failures.toml"
HEADINGS = {
    "place": "what fails",
    "raises": "raises",
    "undone": "undone at once",
    "new": "new",
    "changed": "changed",
    "deleted": "deleted",
    "earlier": "earlier",
    "untouched": "untouched",
    "next": "next use",
    "out": "way out",
    "kept": "kept then",
}

HEAD = """# When a flush fails

A flush that fails is rolled back as far as the nearest SAVEPOINT, or to the beginning of the transaction when there is none.
Objects go back to where they were then, in the same moment; the values of new objects stay as they are.
From then on the session waits for `rollback()`: whatever needs SQL raises `PendingRollbackError`.

```python
from sqlalchemy import create_engine, exc
from holdfast import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
session = Session(engine)
nameless = Author(id=1)
session.add(nameless)
try:
    session.flush()
except exc.IntegrityError as error:
    # What was being written, and the step of the flush as a note.
    assert error.objects == [nameless]
    assert "INSERT Author" in error.__notes__[0]
try:
    session.connection()
except exc.PendingRollbackError as error:
    assert isinstance(error.original, exc.IntegrityError)
    assert error.objects == [nameless]

session.rollback()
nameless.name = "Ann"
session.add(nameless)
session.commit()
```

`with session.begin():` and `with session.begin_nested():` call `rollback()` by themselves.
When many rows go in one step, `objects` are all objects of that step: databases seldom tell which row it was.
An object that was expired between its INSERT and the rollback has lost its values; adding it again is refused until they are set.

## The table

The session has flushed one object before (*earlier*) and read another (*untouched*).
The flush that fails writes a new object, an UPDATE and a DELETE.
*Kept then* is what the database holds after the way out and a `commit()`.
The page is generated from `tests/failures.toml`; a test plays each row and looks at each cell.

"""


def page() -> str:
    """The whole page as text."""
    cases = tomllib.loads(TABLE.read_text(encoding="utf8"))["case"]
    rows = [list(HEADINGS.values()), ["---"] * len(HEADINGS)]
    rows += [[as_code(case[name]) for name in HEADINGS] for case in cases]
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


CODE = re.compile(
    r"with session\.begin(_nested)?\(\):|(nested = )?(session|nested)\.\w+\(\)|\w+Error"
)


def as_code(text: str) -> str:
    """A cell, with what stands in programs in the type of code."""
    return CODE.sub(lambda found: f"`{found[0]}`", text)


if __name__ == "__main__":
    (HERE / "failed-flush.md").write_text(page(), encoding="utf8")
