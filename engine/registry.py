"""Implementations by name: the project's own, and those of other installed packages through entry points."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from engine.errors import ClasspulseError, UsageError
from engine.version import __version__

T = TypeVar("T")


class Registry(Generic[T]):
    """The implementations of one protocol. A module is imported when its name is loaded.

    `kind` is the noun in messages ("detector"); `group` is the entry-point group in which other packages
    register theirs; `built_in` maps the project's own names to "module:attribute"; `documentation` is the page that
    explains how to add one. `T` is what is registered: a class, a function that makes one, or an object.

    A name of the project's own cannot be taken over by another package.
    """

    def __init__(
        self, kind: str, group: str, built_in: Mapping[str, str], documentation: str = "`classpulse docs extending`"
    ) -> None:
        self.kind = kind
        self.group = group
        self.documentation = documentation
        self._built_in = dict(built_in)

    def names(self) -> list[str]:
        """Every name: the project's own in their order, then those of other packages, sorted."""
        return [
            *self._built_in,
            *sorted({entry.name for entry in entry_points(group=self.group)} - set(self._built_in)),
        ]

    def load(self, name: str) -> T:
        """The object registered as `name`.

        Raises UsageError (one line) for an unknown name, for one that two packages register, and for one that
        cannot be imported.
        """
        entry = self._entry(name)
        try:
            return cast(T, entry.load())
        except ClasspulseError:
            raise  # it names its own remedy
        except Exception as error:  # importing another package runs any code
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            remedy = (
                f"install the package {error.name}"
                if isinstance(error, ModuleNotFoundError) and error.name
                else f"reinstall {_package(entry)}"
            )
            raise UsageError(
                f"cannot load the {self.kind} {name!r} of {_package(entry)} ({reason}); {remedy}"
            ) from error

    def origin(self, name: str) -> str:
        """The package that registers `name` and its version, such as "back-row 1.5". Raises as `load` does."""
        return _package(self._entry(name))

    def _entry(self, name: str) -> EntryPoint:
        if name in self._built_in:
            return EntryPoint(name, self._built_in[name], self.group)
        entries = {_package(entry): entry for entry in entry_points(group=self.group, name=name)}
        if len(entries) > 1:
            raise UsageError(
                f"{' and '.join(sorted(entries))} both register a {self.kind} {name!r}; uninstall one of them"
            )
        if not entries:
            raise UsageError(
                f"unknown {self.kind} {name!r}; available: {', '.join(self.names())} (see {self.documentation})"
            )
        return entries.popitem()[1]


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else f"classpulse {__version__}"
