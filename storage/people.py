"""What people are called: the one table with names, which can be dropped, kept apart and put back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import func, insert, select, update

from storage.schema import people
from storage.store import Store


def add_people(store: Store, names: Iterable[str]) -> dict[str, int]:
    """The number of everybody who has one of the `names`, given to who had none before."""
    with store.writing() as connection:
        found: dict[str, int] = {}
        for name in names:
            person = connection.scalar(select(people.c.person).where(people.c.name == name))
            if person is None:
                person = connection.execute(
                    insert(people).values(name=name).returning(people.c.person)
                ).scalar_one()
            found[name] = person
    return found


def write_names(store: Store, names: Mapping[int, str]) -> None:
    """Call people by these names, by their numbers. What two are called at once, the database refuses."""
    with store.writing() as connection:
        known = set(connection.scalars(select(people.c.person)))
        # Not by turns: who swap names would have the same one in between.
        connection.execute(update(people).where(people.c.person.in_(list(names))).values(name=None))
        for person, name in names.items():
            if person in known:
                connection.execute(update(people).where(people.c.person == person).values(name=name))
            else:
                connection.execute(insert(people).values(person=person, name=name))
        if names and connection.dialect.name == "postgresql":  # SQLite counts on from the highest by itself
            sequence = func.pg_get_serial_sequence("people", "person")
            connection.execute(select(func.setval(sequence, select(func.max(people.c.person)).scalar_subquery())))


def drop_names(store: Store) -> int:
    """Take everybody's name away, and say how many had one; their numbers stay."""
    with store.writing() as connection:
        return connection.execute(update(people).where(people.c.name.is_not(None)).values(name=None)).rowcount
