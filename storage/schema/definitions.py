"""What the definitions of all tables share: the metadata, and columns with their units and rounding."""

from __future__ import annotations

from sqlalchemy import REAL, BigInteger, CheckConstraint, Column, Double, ForeignKey, Integer, MetaData, Text

metadata = MetaData(
    naming_convention={  # migrations need to name what they change
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def key(name: str, comment: str) -> Column[int]:
    """A part of the primary key."""
    return Column(name, BigInteger, primary_key=True, autoincrement=False, comment=comment)


def parent(column: str, name: str, comment: str) -> Column[int]:
    """A part of the primary key that refers to `column`, and goes with it."""
    return Column(name, Integer, ForeignKey(column, ondelete="CASCADE"), primary_key=True, comment=comment)


def count(name: str, comment: str) -> Column[int]:
    """How many of something."""
    return Column(name, Integer, nullable=False, comment=comment)


def seconds(name: str, meaning: str, more: str = "", *, nullable: bool = False) -> Column[float]:
    """A time or length of time in seconds, kept to the microsecond."""
    return Column(name, Double, nullable=nullable, info={"decimals": 6}, comment=f"{meaning}, s{more}")


def real(name: str, decimals: int, comment: str, *, nullable: bool = False) -> Column[float]:
    """A number kept to `decimals` places, in eight bytes."""
    eight_bytes: REAL[float] = REAL().with_variant(Double(), "postgresql")  # as SQLite's REAL has
    return Column(name, eight_bytes, nullable=nullable, info={"decimals": decimals}, comment=comment)


def short_real(name: str, decimals: int, comment: str, *, nullable: bool = False) -> Column[float]:
    """Four bytes where the database has such (PostgreSQL), which hold six digits: for the millions of faces."""
    return Column(name, REAL, nullable=nullable, info={"decimals": decimals}, comment=comment)


def words(name: str, comment: str, *, nullable: bool = False) -> Column[str]:
    """Text of any length."""
    return Column(name, Text, nullable=nullable, comment=comment)


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """That a column has one of these values and no other."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)
