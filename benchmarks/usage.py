"""What processes cost: CPU time and load, as POSIX systems tell them."""

from __future__ import annotations

import sys

NOT_POSIX = "benchmarks of processes run on Linux and macOS alone"


def cpu_of_children() -> float:
    """CPU seconds of all processes that this one started, and those that they started, once they have ended."""
    if sys.platform == "win32":
        raise SystemExit(NOT_POSIX)
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def load() -> float:
    """Average number of running processes of the whole machine during the last minute."""
    if sys.platform == "win32":
        raise SystemExit(NOT_POSIX)
    import os

    return os.getloadavg()[0]
