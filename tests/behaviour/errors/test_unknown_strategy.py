import pytest
from sqlalchemy import ForeignKey

from holdfast import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    configure_mappers,
    mapped_column,
    relationship,
)
from holdfast.errors.queries import LoaderStrategyException


@pytest.mark.parametrize("lazy", ["foo", "dynamic", "write_only"])
def test_way_of_loading_that_does_not_exist_is_refused_at_configuration(lazy):
    class Base(DeclarativeBase):
        pass

    class Owner(Base):
        __tablename__ = "owner"
        id: Mapped[int] = mapped_column(primary_key=True)
        things = relationship("Thing", lazy=lazy)

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id"))

    with pytest.raises(
        LoaderStrategyException, match=rf"Can't find strategy .*{lazy}.*Owner.things"
    ):
        configure_mappers()
    Base.registry.dispose()


def test_annotation_for_dynamic_collections_is_refused_likewise():
    class Base(DeclarativeBase):
        pass

    class Owner(Base):
        __tablename__ = "owner"
        id: Mapped[int] = mapped_column(primary_key=True)
        things: DynamicMapped["Thing"] = relationship()

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id"))

    with pytest.raises(LoaderStrategyException, match="dynamic"):
        configure_mappers()
    Base.registry.dispose()
