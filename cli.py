"""The command line: one application of the commands, and one line for whatever goes wrong."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

# The commands import what they need themselves: `--help` is there at once, and so is the answer to an early Ctrl-C.
from classpulse.commands import (
    analysing,
    browsing,
    correcting,
    documents,
    exporting,
    judging,
    marking,
    privacy,
    querying,
    queueing,
    reporting,
    serving,
    showing,
    training,
    upgrading,
    validating,
    watching,
)
from classpulse.commands.auditing import AuditedCommand
from classpulse.commands.errors import Stopped, complain
from classpulse.commands.signals import EndingSignals
from classpulse.commands.streams import STREAMS
from engine.version import __version__

app = typer.Typer(
    name="classpulse",
    help="Classroom footage in; a verdict for every student and the class out, in one SQL database.",
    epilog="A verdict is an indicator computed from faces, not proof of what anybody thinks; inferring emotions in "
    "education is forbidden in some places (EU AI Act, Art. 5(1)(f)): check the law first. After an error, add "
    "--debug to the same command to see its traceback.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (
    analysing,
    queueing,
    watching,
    showing,
    judging,
    marking,
    correcting,
    querying,
    browsing,
    exporting,
    upgrading,
    reporting,
    privacy,
    serving,
    validating,
    training,
    documents,
):
    for command in module.app.registered_commands:
        command.cls = AuditedCommand
    app.add_typer(module.app)


@app.callback(invoke_without_command=True)
def root(  # noqa: D103 -- its help is the app's
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        print(f"classpulse {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


def main() -> NoReturn:
    """Run the command line: every error that a user can cause is one line, a traceback only comes with --debug."""
    STREAMS.prepare()
    others = os.umask(0o077)  # whatever is written is about people: for the owner alone
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    status, stopped, signals = 130, "stopped", EndingSignals()
    try:
        with signals.raised():
            # 130 where typer itself caught a Ctrl-C
            status = app(arguments, prog_name="classpulse", standalone_mode=False) or 0
    except (KeyboardInterrupt, Stopped) as stop:
        stopped = str(stop) or stopped
    except BrokenPipeError:  # `classpulse query ... | head`
        status = 1
    except Exception as error:  # noqa: BLE001 -- said in one line, and with --debug in full
        status = complain(error)
    if (failure := STREAMS.finish()) and not status:
        status = 1 if isinstance(failure, BrokenPipeError) else complain(failure)
    if status == 130:
        status = signals.status()
        print(f"classpulse: {stopped}", file=sys.stderr)
    os.umask(others)
    sys.exit(status)


if __name__ == "__main__":
    main()
