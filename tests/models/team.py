"""Players and their scores: a column of another name, a composite and a synonym."""

from __future__ import annotations

from datetime import datetime

from holdfast import DeclarativeBase, Mapped, composite, mapped_column, synonym


class Base(DeclarativeBase):
    pass


class Home:
    """Where a player lives: the value of a composite."""

    def __init__(self, town: str | None, street: str | None) -> None:
        self.town = town
        self.street = street

    def __composite_values__(self) -> tuple[str | None, str | None]:
        return self.town, self.street

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Home) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]


class Player(Base):
    __tablename__ = "player"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    # The column has another name than the attribute.
    score: Mapped[int | None] = mapped_column("points")
    bonus: Mapped[int | None]
    town: Mapped[str | None]
    street: Mapped[str | None]
    is_captain: Mapped[bool | None]
    joined: Mapped[datetime | None]
    home: Mapped[Home] = composite(Home, "town", "street")
    title = synonym("name")
