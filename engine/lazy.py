"""Names of a package that are imported from their modules only when somebody asks for them (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of `package`, for the names whose modules `homes` gives.

    A name that was asked for stays in the package, so it is looked up once. Type checkers do not follow this: the
    package imports the same names under `if TYPE_CHECKING`. Asking for any other name raises AttributeError.
    """
    namespace = vars(sys.modules[package])

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return namespace.setdefault(name, getattr(import_module(homes[name]), name))

    return find, lambda: sorted(namespace.keys() | homes.keys())
