"""Signals that end a command: Ctrl-C, a closed terminal, a request to end; each leaves an audit entry."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: SIGHUP and SIGTERM where the system has them.
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
#: So many ask the command to end by itself; the next one ends the process, should it hang.
_PATIENCE = 2


class EndingSignals:
    """While it is entered, the first signal is raised as KeyboardInterrupt, and the second one changes nothing.

    So what a command does when it ends (a transaction undone, workers ended, an entry in the audit log) is done
    also where Ctrl-C is pressed twice.
    """

    def __init__(self) -> None:
        self.received: list[int] = []

    @contextmanager
    def raised(self) -> Iterator[EndingSignals]:
        """Handle the signals, except for those that this process was started to ignore (nohup)."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.getsignal(number) for number in _ENDING}
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._receive)
        try:
            yield self
        finally:
            for number, handler in before.items():
                # A process that is ending is not ended once more: its status says that it was stopped.
                signal.signal(number, signal.SIG_IGN if self.received else handler)
            # Under `python -m` CPython ends itself by SIGINT, whatever the exit status, where a KeyboardInterrupt,
            # even one that was caught, left code that ran from a string, as named tuples and dataclasses are made.
            # The next such code that does not raise it takes that back.
            exec("")

    def status(self) -> int:
        """The exit status of a command that was stopped: 130 after Ctrl-C."""
        return 128 + (self.received[0] if self.received else signal.SIGINT)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received.append(number)
        if len(self.received) == 1:
            raise KeyboardInterrupt
        if len(self.received) > _PATIENCE:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
