"""Names of a package that are imported from their modules on first access (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of `package`, for the names whose modules `homes` gives.

    An imported name stays in the package, so it is looked up once. Type checkers do not evaluate this, so the
    package imports the same names under `if TYPE_CHECKING`. Any other name raises AttributeError.
    """
    namespace = vars(sys.modules[package])

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return namespace.setdefault(name, getattr(import_module(homes[name]), name))

    return find, lambda: sorted(namespace.keys() | homes.keys())
