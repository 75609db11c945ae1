"""Classes and relationships that are made for tables."""

import warnings

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, exc, select

from holdfast import DeclarativeBase, Session, backref, errors, relationship
from holdfast.ext.automap import AutomapBase, automap_base, generate_relationship


def add_library(metadata, schema=None):
    """Authors, their books, and the labels of books."""
    prefix = f"{schema}." if schema else ""

    def key(target):
        return ForeignKey(f"{prefix}{target}.id")

    def number():
        return Column("id", Integer, primary_key=True)

    Table("author", metadata, number(), Column("name", String(20)), schema=schema)
    Table("book", metadata, number(), Column("author_id", key("author")), schema=schema)
    Table("label", metadata, number(), schema=schema)
    labels = Column("book_id", key("book")), Column("label_id", key("label"))
    Table("book_label", metadata, *labels, schema=schema)
    return metadata


@pytest.fixture
def metadata():
    return add_library(MetaData())


@pytest.fixture
def base(engine, metadata):
    """A base for tables that were reflected."""
    metadata.create_all(engine)
    made = automap_base()
    made.prepare(autoload_with=engine)
    return made


@pytest.mark.rule("XT-120")
def test_each_table_with_a_primary_key_gets_a_class(base):
    assert set(base.classes.keys()) == {"author", "book", "label"}
    assert base.classes.author is base.classes["author"]
    assert base.by_module.holdfast.ext.automap.book is base.classes.book


@pytest.mark.rule("XT-120")
def test_foreign_key_makes_a_relationship_on_both_sides(base, engine):
    author, book = base.classes.author, base.classes.book

    with Session(engine) as session:
        session.add(author(id=1, name="Ann", book_collection=[book(id=1), book(id=2)]))
        session.commit()
        found = session.scalars(select(book).where(book.author.has(name="Ann"))).all()

        assert len(found) == 2
        assert found[0].author.book_collection == found


@pytest.mark.rule("XT-120")
def test_association_table_makes_two_collections(base, engine):
    book, label = base.classes.book, base.classes.label

    with Session(engine) as session:
        session.add(book(id=1, label_collection=[label(id=1), label(id=2)]))
        session.commit()

        assert session.get(label, 2).book_collection == [session.get(book, 1)]


@pytest.mark.rule("XT-120")
def test_tables_that_are_declared_need_no_database(metadata):
    base = automap_base(metadata=metadata)

    base.prepare()

    assert base.classes.book().author is None


@pytest.mark.rule("XT-120")
def test_class_on_the_base_is_taken_for_its_table(engine, metadata):
    metadata.create_all(engine)
    base = automap_base()

    class Author(base):
        __tablename__ = "author"
        called = Column("name", String(20))
        book_collection = relationship("book", collection_class=set)

    base.prepare(engine)
    book = base.classes.book()
    author = Author(called="Ann", book_collection={book})

    assert base.classes.Author is Author
    assert "author" not in base.classes
    # The other side is made for the one that is declared.
    assert book.author is author


@pytest.mark.rule("XT-120")
def test_what_a_class_declares_is_not_made_again(metadata):
    base = automap_base(metadata=metadata)

    class Book(base):
        __tablename__ = "book"
        author = relationship("author", backref="written")
        label_collection = relationship("Label", secondary="book_label", back_populates="books")

    class Label(base):
        __tablename__ = "label"
        books = relationship("Book", secondary="book_label", back_populates="label_collection")

    base.prepare()

    assert set(base.classes.author.__mapper__.relationships.keys()) == {"written"}
    assert "author" in Book.__mapper__.relationships


@pytest.mark.rule("XT-120")
def test_class_is_unusable_before_prepare(metadata):
    base = automap_base(metadata=metadata)

    class Author(base):
        __tablename__ = "author"

    with pytest.raises(errors.UnmappedClassError, match=r"subclass of AutomapBase.*prepare\(\)"):
        Session().query(Author)


@pytest.mark.rule("XT-120")
def test_base_of_another_kind_may_be_given(metadata):
    class Plain(DeclarativeBase):
        pass

    Plain.metadata = metadata
    made = automap_base(Plain)

    class Written(AutomapBase, DeclarativeBase):
        metadata = add_library(MetaData())

    for base in (made, Written):
        base.prepare()
        assert base.classes.book(author=base.classes.author()).author.book_collection
    assert issubclass(made, Plain)
    assert made.classes.book is not Written.classes.book


@pytest.mark.rule("XT-120")
def test_names_come_from_functions(metadata):
    base = automap_base(metadata=metadata)

    base.prepare(
        classname_for_table=lambda base, name, table: name.title(),
        name_for_scalar_relationship=lambda base, local, referred, key: f"the_{referred.__name__}",
        name_for_collection_relationship=lambda base, local, referred, key: (
            next(iter(key.columns)).name
        ),
        collection_class=set,
    )
    author = base.classes.Author(author_id={base.classes.Book()})

    assert {book.the_Author for book in author.author_id} == {author}


@pytest.mark.rule("XT-120")
def test_relationships_come_from_a_function(metadata):
    base = automap_base(metadata=metadata)
    asked = []

    def generate(base, direction, function, name, local, referred, **keywords):
        asked.append((direction.name, function, name, local.__name__, referred.__name__))
        if name == "author":
            keywords["lazy"] = "raise"
        if direction.name == "MANYTOMANY":
            return None
        return generate_relationship(base, direction, function, name, local, referred, **keywords)

    base.prepare(generate_relationship=generate)

    assert base.classes.book.author.property.lazy == "raise"
    assert not base.classes.label.__mapper__.relationships
    assert ("MANYTOONE", relationship, "author", "book", "author") in asked
    assert ("ONETOMANY", backref, "book_collection", "author", "book") in asked
    with pytest.raises(TypeError, match="Unknown relationship function"):
        generate_relationship(base, None, print, "x", None, None)


@pytest.mark.rule("XT-120")
def test_children_follow_their_parent_as_the_foreign_key_says():
    metadata = MetaData()
    Table("a", metadata, Column("id", Integer, primary_key=True))
    for name, on_delete, nullable in (
        ("free", None, True),
        ("bound", None, False),
        ("gone", "cascade", False),
        ("left", "SET NULL", True),
    ):
        key = ForeignKey("a.id", ondelete=on_delete)
        Table(
            name,
            metadata,
            Column("id", Integer, primary_key=True),
            Column("a_id", key, nullable=nullable),
        )
    base = automap_base(metadata=metadata)
    base.prepare()
    made = base.classes.a.__mapper__.relationships

    assert {
        prop.mapper.class_.__name__: (prop.cascade.delete_orphan, bool(prop.passive_deletes))
        for prop in made
    } == {
        "free": (False, False),
        "bound": (True, False),
        "gone": (True, True),
        "left": (False, True),
    }


@pytest.mark.rule("XT-120")
def test_foreign_key_to_the_base_of_a_hierarchy_is_its_join():
    metadata = MetaData()
    Table("place", metadata, Column("id", Integer, primary_key=True), Column("kind", String(9)))
    Table("town", metadata, Column("id", ForeignKey("place.id"), primary_key=True))
    base = automap_base(metadata=metadata)

    class Place(base):
        __table__ = metadata.tables["place"]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "place"}

    class Town(Place):
        __tablename__ = "town"
        __mapper_args__ = {"polymorphic_identity": "town"}

    base.prepare()

    assert Town.__mapper__.inherits is Place.__mapper__
    assert not Town.__mapper__.relationships
    assert not Place.__mapper__.relationships


@pytest.mark.rule("XT-120")
def test_second_foreign_key_to_a_table_needs_names_of_its_own():
    alike, named = automap_base(), automap_base()
    for base in (alike, named):
        Table("a", base.metadata, Column("id", Integer, primary_key=True))
        keys = [Column(name, ForeignKey("a.id")) for name in ("first", "second")]
        Table("b", base.metadata, Column("id", Integer, primary_key=True), *keys)

    alike.prepare()
    named.prepare(
        name_for_scalar_relationship=lambda *given: f"by_{given[3].column_keys[0]}",
        name_for_collection_relationship=lambda *given: f"of_{given[3].column_keys[0]}",
    )

    made = alike.classes.b.a.property
    assert made.local_columns == {alike.metadata.tables["b"].c.first}
    assert set(named.classes.b.__mapper__.relationships.keys()) == {"by_first", "by_second"}
    assert set(named.classes.a.__mapper__.relationships.keys()) == {"of_first", "of_second"}


@pytest.mark.rule("XT-120")
def test_table_may_refer_to_itself():
    metadata = MetaData()
    Table(
        "node",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("above", ForeignKey("node.id")),
    )
    ends = [Column(name, ForeignKey("node.id")) for name in ("source", "target")]
    Table("edge", metadata, *ends)
    base = automap_base(metadata=metadata)
    base.prepare(
        name_for_collection_relationship=lambda base, local, referred, key: (
            "below" if "above" in key.columns else "linked"
        )
    )
    node = base.classes.node
    top = node(below=[node()], linked=[node()])

    assert top.below[0].node is top
    assert top.linked[0].linked == []


@pytest.mark.rule("XT-120")
@pytest.mark.parametrize("comes_first", [True, False])
def test_association_table_may_have_a_class_too(metadata, engine, comes_first):
    metadata.create_all(engine)
    base = automap_base(metadata=metadata)
    if not comes_first:
        for name in ("book", "label"):
            type(base)(name, (base,), {"__tablename__": name})

    class Labelling(base):
        __table__ = metadata.tables["book_label"]
        __mapper_args__ = {"primary_key": [__table__.c.book_id, __table__.c.label_id]}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        base.prepare()
        base.registry.configure()

    with Session(engine) as session:
        session.add(base.classes.book(id=1, label_collection=[base.classes.label(id=2)]))
        session.flush()
        assert session.scalars(select(Labelling)).one().label.id == 2


@pytest.mark.rule("XT-120")
def test_prepare_may_be_called_again(engine, metadata):
    metadata.create_all(engine)
    base = automap_base()
    base.prepare(engine, reflection_options={"only": ["book"], "resolve_fks": False})
    book = base.classes.book
    # The table it refers to is not known.
    assert not book.__mapper__.relationships

    base.prepare(engine)
    base.prepare()

    assert base.classes.book is book
    assert "author" in base.classes
    assert not book.__mapper__.relationships


@pytest.mark.rule("XT-120")
def test_classes_of_one_name_need_modules():
    metadata = add_library(add_library(MetaData()), "old")
    base, by_schema = automap_base(metadata=metadata), automap_base(metadata=metadata)

    with pytest.warns(exc.SAWarning, match="Ignoring duplicate class name") as warned:
        base.prepare()
    by_schema.prepare(modulename_for_table=lambda base, name, table: table.schema)

    assert len(warned) == 3
    assert base.classes.book.__table__.schema is None
    assert by_schema.by_module.old.book.__table__.schema == "old"
    assert by_schema.by_module.old.book is not by_schema.classes.book


@pytest.mark.rule("XT-120")
@pytest.mark.parametrize("modules", [{None: "book", "old": "book.book"}, {None: "book.book.book"}])
def test_class_and_module_of_one_name_are_refused(modules):
    metadata = add_library(add_library(MetaData()), "old")
    base = automap_base(metadata=metadata)

    with pytest.raises(errors.AutomapError, match="matches both a class name and a module name"):
        base.prepare(
            modulename_for_table=lambda base, name, table: modules.get(table.schema, "book")
        )


@pytest.mark.rule("XT-120")
def test_engine_by_its_former_names_is_deprecated(engine, metadata):
    metadata.create_all(engine)
    base = automap_base()

    with pytest.warns(exc.SADeprecationWarning, match="autoload_with"):
        base.prepare(engine=engine, reflect=True)

    assert "book" in base.classes
