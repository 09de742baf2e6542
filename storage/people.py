"""The one table with people's names, which can be exported, dropped and imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import func, insert, select, update

from storage.schema import people
from storage.store import Store


def add_people(store: Store, names: Iterable[str]) -> dict[str, int]:
    """The person number of each of the `names`; new names get a new number."""
    with store.writing() as connection:
        persons: dict[str, int] = {}
        for name in names:
            person = connection.scalar(select(people.c.person).where(people.c.name == name))
            if person is None:
                person = connection.execute(
                    insert(people).values(name=name).returning(people.c.person)
                ).scalar_one()
            persons[name] = person
    return persons


def write_names(store: Store, names: Mapping[int, str]) -> None:
    """Set the names of people, by their numbers. The database refuses a name of two people."""
    with store.writing() as connection:
        persons = set(connection.scalars(select(people.c.person)))
        # All at once: two people who swap names would share one in between.
        connection.execute(update(people).where(people.c.person.in_(list(names))).values(name=None))
        for person, name in names.items():
            if person in persons:
                connection.execute(update(people).where(people.c.person == person).values(name=name))
            else:
                connection.execute(insert(people).values(person=person, name=name))
        if names and connection.dialect.name == "postgresql":  # SQLite counts on from the highest by itself
            sequence = func.pg_get_serial_sequence("people", "person")
            connection.execute(select(func.setval(sequence, select(func.max(people.c.person)).scalar_subquery())))


def drop_names(store: Store) -> int:
    """Delete all names, and return how many there were; the numbers stay."""
    with store.writing() as connection:
        return connection.execute(update(people).where(people.c.name.is_not(None)).values(name=None)).rowcount
