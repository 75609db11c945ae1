"""What the sessions do that faults are injected into, and what a database holds of it."""

from __future__ import annotations

from sqlalchemy import Engine, ForeignKey, func, select

from holdfast import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Which run of a script made it.
    run: Mapped[int] = mapped_column(index=True)
    balance: Mapped[int]
    entries: Mapped[list[Entry]] = relationship(cascade="all, delete-orphan")


class Entry(Base):
    __tablename__ = "entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))


class Receipt(Base):
    __tablename__ = "receipt"

    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[int]


def write_accounts(session: Session, run: int) -> None:
    """A transaction with flushes, a SAVEPOINT that is kept and one that is not, and a COMMIT."""
    accounts = [Account(run=run, balance=10, entries=[Entry(amount=10)]) for _ in range(3)]
    session.add_all(accounts)
    session.flush()
    accounts[0].balance = 40
    with session.begin_nested():
        accounts[1].entries.append(Entry(amount=5))
    given_up = session.begin_nested()
    session.add(Account(run=run, balance=1000))
    session.flush()
    given_up.rollback()
    session.delete(accounts[2].entries[0])
    session.scalars(select(Account).where(Account.run == run)).all()
    session.commit()


def give_up_accounts(session: Session, run: int) -> None:
    """A transaction that is rolled back."""
    session.add(Account(run=run, balance=10, entries=[Entry(amount=10)]))
    session.flush()
    session.rollback()


def write_in_two_databases(session: Session, run: int) -> None:
    """A two-phase transaction over the databases of two classes."""
    session.add_all([Account(run=run, balance=10), Receipt(run=run)])
    session.commit()


def accounts_held(engine: Engine, run: int) -> tuple[int, int, int]:
    """How many accounts and entries there are of one run, and the sum of the balances."""
    with Session(engine) as session:
        of_run = select(func.count(), func.coalesce(func.sum(Account.balance), 0))
        count, total = session.execute(of_run.where(Account.run == run)).one()
        entries = select(func.count()).select_from(Entry).join(Account)
        return count, session.scalars(entries.where(Account.run == run)).one(), int(total)


ALL_ACCOUNTS = (3, 3, 60)
NO_ACCOUNTS = (0, 0, 0)
