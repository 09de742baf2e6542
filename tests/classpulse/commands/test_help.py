"""Every command, argument and option says what it is for, in one plain sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperArgument, TyperOption

import cli
from tests.classpulse.commands.conftest import command_group

GROUP = command_group()
#: The language of help texts: these are what a search can find of breaches of it.
UNPLAIN = re.compile(
    r"\b(who is who|put right|no longer holds|goes on|go on from|at rest|is (no|none)\b|held? against"
    r"|what people saw|whom?ever|of whom|those that|those who|is born|outlives|seen by|repairs?)\b",
    re.IGNORECASE,
)


def parameters() -> Iterator[Any]:
    for name, command in GROUP.commands.items():
        for parameter in command.params:
            if parameter.name != "help":
                yield pytest.param(parameter, id=f"{name} {parameter.name}")


@pytest.mark.parametrize("name", GROUP.commands)
def test_every_command_says_what_it_does(name: str) -> None:
    text = GROUP.commands[name].help
    assert text, "it has no help"
    first = text.split("\n\n")[0]
    assert re.fullmatch(r"[A-Z`].*\.", first, re.DOTALL), (
        "a sentence begins with a capital letter and ends with a stop"
    )
    assert not (found := UNPLAIN.search(text)), found


@pytest.mark.parametrize("parameter", list(parameters()))
def test_every_argument_and_option_says_what_it_is(parameter: TyperArgument | TyperOption) -> None:
    assert parameter.help, "it has no help"
    assert parameter.help.endswith("."), parameter.help
    assert parameter.help[0].isupper() or parameter.help[0] in "`|", parameter.help
    assert not (found := UNPLAIN.search(parameter.help)), found


def test_commands_are_named_once() -> None:
    names = [command.name or getattr(command.callback, "__name__", "") for command in cli.app.registered_commands]
    assert len(names) == len(set(names))
    assert "corrections" in GROUP.commands
    assert "repairs" not in GROUP.commands
