"""The executors that are installed, by name, and which one an analysis uses."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import UsageError
from engine.registry import Registry
from engine.runtime.executor import Executor
from engine.runtime.local import ByLength, InProcess, OnDetections, Processes
from engine.settings import Settings

#: Those that compute on this machine.
LOCAL = (InProcess, Processes, ByLength)

Factory = Callable[[Settings, int | None], Executor]

EXECUTORS: Registry[Factory] = Registry(
    "executor",
    "classpulse.executors",
    {
        "processes": "engine.runtime.executors:make_processes",
        "in-process": "engine.runtime.executors:make_in_process",
    },
)
"""Each is called with the session's Settings and the number of workers (or None); see Executor."""


def make_processes(settings: Settings, workers: int | None) -> Executor:
    """`--executor processes`: worker processes, however short the recording."""
    del settings
    return Processes(workers)


def make_in_process(settings: Settings, workers: int | None) -> Executor:
    """`--executor in-process`: no other process."""
    del settings
    if workers not in (None, 1):
        raise UsageError(f"the executor in-process has one worker; leave out --workers {workers}")
    return InProcess()


def open_executor(
    executor: Executor | str | None,
    settings: Settings,
    workers: int | None = None,
    on_detections: OnDetections | None = None,
) -> Executor:
    """The executor that `executor` is or names; None: what suits the length of the recording (`ByLength`).

    A preview (`on_detections`) needs every frame here, so it runs in this process. Raises UsageError for fewer than
    one worker, for an unknown name, and for a preview on another executor.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}; it must be 1 or more")
    if on_detections:
        if executor not in (None, "in-process"):
            raise UsageError("a preview needs the executor in-process; leave out --executor, or the preview")
        return InProcess(on_detections)
    if isinstance(executor, str):
        return EXECUTORS.load(executor)(settings, workers)
    return executor or ByLength(workers)
