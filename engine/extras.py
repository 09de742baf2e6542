"""Packages of the extras: imported when they are needed, with the remedy where they are not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.errors import MissingLibraryError


def required(module: str, extra: str, purpose: str) -> Any:
    """The module. Raises MissingLibraryError, which says that the `purpose` needs it and how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        remedy = f"install it with: pip install 'classpulse[{extra}]'"
        raise MissingLibraryError(f"{purpose} needs the package {error.name or module}; {remedy}") from error
