"""Keys of tables that were reflected from SQLite, where each says that it may be NULL."""

from sqlalchemy import MetaData, create_engine, select

from holdfast import Session, registry


class Reading:
    def __init__(self, value):
        self.value = value


def test_objects_get_keys_and_defaults_though_the_key_column_says_it_may_be_null():
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE reading (id INTEGER PRIMARY KEY, value INTEGER, unit TEXT DEFAULT 'kWh')"
        )
    metadata = MetaData()
    metadata.reflect(engine)
    table = metadata.tables["reading"]
    assert table.c.id.nullable
    registry(metadata=metadata).map_imperatively(
        Reading, table, eager_defaults=True, properties={"unit": table.c.unit}
    )

    with Session(engine) as session:
        readings = [Reading(5), Reading(6), Reading(7)]
        session.add_all(readings)
        session.commit()

        assert [(each.id, each.unit) for each in readings] == [(1, "kWh"), (2, "kWh"), (3, "kWh")]
        assert session.scalars(select(Reading.value).order_by(Reading.id)).all() == [5, 6, 7]
    engine.dispose()
