"""Run a help desk on the schema of Request Tracker (RT 5), as its Debian package has it.

    python docs/examples/tickets.py /usr/share/request-tracker5/etc/schema.SQLite

The schema names no foreign keys, and some of its tables have no primary key: the mapping says both.
Plain classes, annotated for type checkers alone, are mapped to reflected tables, with joined
inheritance (principals are users and groups), single-table inheritance (what happens to a ticket),
and relationships by criteria.
The package need not be installed: `apt-get download request-tracker5`, then
`dpkg-deb --extract request-tracker5_*.deb folder`. Needs the extra `examples`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from journal import Journal
from rich.console import Console
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    MetaData,
    Table,
    and_,
    create_engine,
    event,
    func,
    inspect,
    select,
    update,
)
from sqlalchemy.pool import StaticPool

from holdfast import (
    Mapped,
    Session,
    aliased,
    foreign,
    joinedload,
    registry,
    relationship,
    selectinload,
)
from holdfast.diagnostics import explain

NOW = datetime(2026, 3, 2, 9, 30)
# Columns that hold a number of a row elsewhere, and would be called as the object is.
NUMBERS = {"Queue", "Owner", "Creator"}
TABLES = ["Principals", "GroupMembers", "Queues", "Tickets", "Links", "Transactions", "Attachments"]
mappers = registry(metadata=MetaData())


class Thing:
    """Anything that has columns; keywords set them."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class Principal(Thing):
    """Who may be given rights: a user or a group."""


class User(Principal):
    """Someone who writes or answers tickets."""

    name: Mapped[str]
    email_address: Mapped[str]


class Group(Principal):
    """Users, and groups, under one name."""

    name: Mapped[str]
    members: Mapped[list[Principal]]


class Queue(Thing):
    """A list of tickets of one kind."""

    name: Mapped[str]


class Link(Thing):
    """That one ticket has to do with another."""

    id: Mapped[int]
    type: Mapped[str]
    to: Mapped[Ticket]


class Attachment(Thing):
    """The text of a message."""

    id: Mapped[int]
    content: Mapped[str]


class Transaction(Thing):
    """Something that happened to a ticket."""

    creator: Mapped[User]
    attachments: Mapped[list[Attachment]]

    def __init__(self, **values: Any) -> None:
        super().__init__(object_type="RT::Ticket", created=NOW, **values)


class Creation(Transaction):
    """The ticket was written."""


class Correspondence(Transaction):
    """An answer was sent."""


class StatusChange(Transaction):
    """The status went from one word to another."""


class Ticket(Thing):
    """A question, and all that became of it."""

    id: Mapped[int]
    subject: Mapped[str]
    status: Mapped[str]
    created: Mapped[datetime]
    queue: Mapped[Queue]
    owner: Mapped[User]
    history: Mapped[list[Transaction]]
    links: Mapped[list[Link]]

    def depend_on(self, other: Ticket) -> None:
        """Wait for another ticket; both have been flushed."""
        uri = "fsck.com-rt://example.org/ticket/{}"
        self.links.append(
            Link(type="DependsOn", base=uri.format(self.id), target=uri.format(other.id), to=other)
        )


@event.listens_for(mappers.metadata, "column_reflect")
def name_in_python_style(_inspector: Any, _table: Any, column: Any) -> None:
    """`LastUpdatedBy` becomes `last_updated_by`, and `Owner` `owner_id`."""
    words = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", column["name"]).lower()
    column["key"] = f"{words}_id" if column["name"] in NUMBERS else words


def map_classes(engine: Engine) -> None:
    """Reflect the tables and map the classes to them."""
    mappers.metadata.reflect(engine, only=TABLES)
    tables = mappers.metadata.tables
    principals = tables["Principals"]
    users, groups = (
        Table(
            name,
            mappers.metadata,
            Column("id", ForeignKey(principals.c.id), primary_key=True),
            autoload_with=engine,
        )
        for name in ("Users", "Groups")
    )
    members, tickets, links = tables["GroupMembers"], tables["Tickets"], tables["Links"]
    transactions, attachments = tables["Transactions"], tables["Attachments"]
    map_class = mappers.map_imperatively
    map_class(Principal, principals, polymorphic_on=principals.c.principal_type)
    map_class(User, users, inherits=Principal, polymorphic_identity="User")
    map_class(
        Group,
        groups,
        inherits=Principal,
        polymorphic_identity="Group",
        properties={
            "members": relationship(
                Principal,
                secondary=members,
                primaryjoin=groups.c.id == foreign(members.c.group_id),
                secondaryjoin=principals.c.id == foreign(members.c.member_id),
            )
        },
    )
    map_class(Queue, tables["Queues"])
    map_class(Attachment, attachments)
    map_class(
        Transaction,
        transactions,
        polymorphic_on=transactions.c.type,
        properties={
            "creator": relationship(
                User, primaryjoin=foreign(transactions.c.creator_id) == users.c.id
            ),
            "attachments": relationship(
                Attachment,
                primaryjoin=foreign(attachments.c.transaction_id) == transactions.c.id,
                cascade="all, delete-orphan",
            ),
        },
    )
    map_class(Creation, inherits=Transaction, polymorphic_identity="Create")
    map_class(Correspondence, inherits=Transaction, polymorphic_identity="Correspond")
    map_class(StatusChange, inherits=Transaction, polymorphic_identity="Status")
    map_class(
        Link,
        links,
        properties={
            "to": relationship(Ticket, primaryjoin=foreign(links.c.local_target) == tickets.c.id)
        },
    )
    map_class(
        Ticket,
        tickets,
        properties={
            "queue": relationship(
                Queue, primaryjoin=foreign(tickets.c.queue_id) == tables["Queues"].c.id
            ),
            "owner": relationship(User, primaryjoin=foreign(tickets.c.owner_id) == users.c.id),
            "history": relationship(
                Transaction,
                primaryjoin=and_(
                    foreign(transactions.c.object_id) == tickets.c.id,
                    transactions.c.object_type == "RT::Ticket",
                ),
                order_by=transactions.c.id,
                cascade="all, delete-orphan",
            ),
            "links": relationship(
                Link,
                primaryjoin=foreign(links.c.local_base) == tickets.c.id,
                cascade="all, delete-orphan",
            ),
        },
    )
    mappers.configure()


def keep_history(session: Session, _context: Any, _instances: Any) -> None:
    """Before each flush: note in its history that the status of a ticket changes."""
    for ticket in session.dirty:
        if isinstance(ticket, Ticket):
            change = inspect(ticket).attrs.status.history
            if change.added and change.deleted:
                (old,), (new,) = change.deleted, change.added
                entry = StatusChange(field="Status", old_value=old, new_value=new)
                ticket.history.append(entry)


def make_schema(engine: Engine, path: Path, journal: Journal) -> None:
    """Run the SQL of the package; what follows a `#` is a comment to RT alone."""
    with journal.step("schema") as step:
        script = re.sub("#.*", "", path.read_text(encoding="utf8"))
        with engine.begin() as connection:
            driver: Any = connection.connection.driver_connection
            driver.executescript(script)
        step.outcome = f"{len(inspect(engine).get_table_names())} tables"
    with journal.step("map") as step:
        map_classes(engine)
        step.outcome = f"{len(mappers.mappers)} classes"


def open_the_desk(session: Session, journal: Journal) -> None:
    """Users, a group of them, and queues."""
    with journal.step("people") as step:
        names = ["ada", "ben", "cleo", "dora"]
        users = [User(name=name, email_address=f"{name}@example.org") for name in names]
        everyone = Group(name="everyone", domain="UserDefined", members=[*users])
        staff = Group(name="staff", domain="UserDefined", members=[users[0], users[1]])
        everyone.members.append(staff)
        queues = [Queue(name=name, lifecycle="default") for name in ("Printers", "Accounts")]
        session.add_all([everyone, staff, *queues])
        session.commit()
        kinds = sorted(type(member).__name__ for member in everyone.members)
        step.outcome = f"everyone: {kinds.count('User')} users and {kinds.count('Group')} group"


def write_tickets(session: Session, journal: Journal, console: Console) -> None:
    """A winter of questions, each with its history."""
    with journal.step("tickets") as step:
        chance = random.Random(5)
        users = session.scalars(select(User).order_by(User.name)).all()
        queues = session.scalars(select(Queue).order_by(Queue.name)).all()
        topics = ["Paper jam", "Password lost", "Toner empty", "Cannot log in"]
        for number in range(200):
            created = NOW - timedelta(hours=6 * (200 - number))
            subject = f"{chance.choice(topics)} ({number})"
            first = Creation(creator=chance.choice(users))
            first.attachments.append(Attachment(subject=subject, content="Please help!"))
            answer = Correspondence(creator=users[0])
            answer.attachments.append(Attachment(content="Have you tried again?"))
            ticket = Ticket(subject=subject, status=chance.choice(["new", "open", "stalled"]))
            ticket.queue, ticket.owner = chance.choice(queues), chance.choice(users[:2])
            ticket.created, ticket.history = created, [first, answer]
            session.add(ticket)
        console.print(explain(session), highlight=False)
        written = len(session.new)
        session.commit()
        step.outcome = f"{written:,} objects written and committed"


def read_a_queue(session: Session, journal: Journal, console: Console) -> None:
    """What is new among the printers, with owners, histories and texts."""
    with journal.step("inbox") as step:
        queue = aliased(Queue)
        statement = (
            select(Ticket)
            .join(Ticket.queue.of_type(queue))
            .where(queue.name == "Printers", Ticket.status == "new")
            .options(
                joinedload(Ticket.owner),
                selectinload(Ticket.history).selectinload(Transaction.attachments),
                selectinload(Ticket.history).joinedload(Transaction.creator),
            )
            .order_by(Ticket.created)
        )
        inbox = session.scalars(statement).all()
        for ticket in inbox[:3]:
            console.print(f"{ticket.subject}, for {ticket.owner.name}", style="bold")
            for entry in ticket.history:
                texts = " ".join(each.content for each in entry.attachments)
                console.print(f"  {type(entry).__name__} by {entry.creator.name}: {texts}")
        step.outcome = f"{len(inbox)} new tickets about printers"


def work(session: Session, journal: Journal, console: Console) -> None:
    """Open a ticket that waits for another; its history writes itself."""
    with journal.step("answer") as step:
        statement = select(Ticket).where(Ticket.status == "new").order_by(Ticket.id).limit(2)
        ticket, other = session.scalars(statement).all()
        ticket.status = "open"
        ticket.depend_on(other)
        console.print(explain(session), highlight=False)
        session.commit()
        step.outcome = " -> ".join(type(entry).__name__ for entry in ticket.history)
    with journal.step("waiting") as step:
        blocked = select(Ticket).where(
            Ticket.links.any(and_(Link.type == "DependsOn", Link.to.has(Ticket.status == "new")))
        )
        step.outcome = ", ".join(each.subject for each in session.scalars(blocked))


def tidy_up(session: Session, journal: Journal) -> None:
    """Close what nobody asked about again, count, and delete one ticket with all it has."""
    with journal.step("close stalled") as step:
        stalled = update(Ticket).where(Ticket.status == "stalled").values(status="resolved")
        closed = session.execute(stalled).rowcount
        session.commit()
        counts = session.execute(
            select(Ticket.status, func.count()).group_by(Ticket.status).order_by(Ticket.status)
        )
        step.outcome = f"{closed} closed; {', '.join(f'{n} {status}' for status, n in counts)}"
    with journal.step("delete, cascading") as step:
        count = select(func.count(Attachment.id))
        before = session.execute(count).scalar_one()
        session.delete(session.scalars(select(Ticket).where(Ticket.links.any())).one())
        session.commit()
        after = session.execute(count).scalar_one()
        links = session.scalar(select(func.count(Link.id)))
        step.outcome = f"{before - after} texts are gone, {links} links remain"


def run(path: Path, console: Console) -> Journal:
    """All steps in order."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    journal = Journal(engine, "A help desk on Request Tracker's schema")
    make_schema(engine, path, journal)
    with Session(engine) as session:
        event.listen(session, "before_flush", keep_history)
        open_the_desk(session, journal)
        write_tickets(session, journal, console)
        read_a_queue(session, journal, console)
        work(session, journal, console)
        tidy_up(session, journal)
    engine.dispose()
    return journal


def main(arguments: list[str] | None = None) -> int:
    """Run the example; 0 when it worked, 2 when there is no schema."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = Path("/usr/share/request-tracker5/etc/schema.SQLite")
    parser.add_argument("schema", nargs="?", type=Path, default=default)
    path = parser.parse_args(arguments).schema
    if not path.is_file():
        print(f"There is no schema at {path}: see the top of {__file__}.", file=sys.stderr)
        return 2
    console = Console()
    console.print(run(path, console).table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
