"""Accounts with collections that are never loaded whole: write-only and dynamic ones."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from holdfast import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    mapped_column,
    relationship,
)


class Base(DeclarativeBase):
    pass


account_holder = Table(
    "account_holder",
    Base.metadata,
    Column("account_id", ForeignKey("account.id", ondelete="cascade"), primary_key=True),
    Column("holder_id", ForeignKey("holder.id"), primary_key=True),
)


class Account(Base):
    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    transfers: WriteOnlyMapped[Transfer] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="Transfer.amount",
        back_populates="account",
    )
    notes: DynamicMapped[Note] = relationship(order_by="Note.id", back_populates="account")
    holders: WriteOnlyMapped[Holder] = relationship(
        secondary=account_holder, passive_deletes=True, back_populates="accounts"
    )


class Transfer(Base):
    __tablename__ = "transfer"

    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="cascade"))
    account: Mapped[Account] = relationship(back_populates="transfers")


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    account: Mapped[Account | None] = relationship(back_populates="notes")


class Holder(Base):
    __tablename__ = "holder"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    accounts: DynamicMapped[Account] = relationship(
        secondary=account_holder, back_populates="holders"
    )
