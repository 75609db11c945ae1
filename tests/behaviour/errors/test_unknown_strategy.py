import pytest
from sqlalchemy import ForeignKey

from holdfast import (
    DeclarativeBase,
    Mapped,
    mapped_column,
    relationship,
)
from holdfast.errors.queries import LoaderStrategyException


def test_way_of_loading_that_does_not_exist_is_refused_at_configuration():
    class Base(DeclarativeBase):
        pass

    class Owner(Base):
        __tablename__ = "owner"
        id: Mapped[int] = mapped_column(primary_key=True)
        things = relationship("Thing", lazy="foo")

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id"))

    with pytest.raises(LoaderStrategyException, match=r"Can't find strategy .*foo.*Owner.things"):
        Base.registry.configure()
    Base.registry.dispose()
