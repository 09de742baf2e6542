"""An analysis as a separate process: it can be ended at any time, and committed segments stay."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from engine.errors import missing_library
from engine.runtime.platform import end_process_group, lead_process_group

#: Seconds between two reports of how far it is.
EVERY = 0.2


def work(pipe: Connection, video: str, db: str, name: str | None, settings: dict[str, Any]) -> None:
    """Analyse `video` into `db`, and send progress and result through the pipe, as columns of a job.

    The last message has a `state`. A closed pipe means that the server has ended; then the analysis ends, too.
    """
    lead_process_group()  # with the processes that it starts; no Ctrl-C of the server's
    if server := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(server,), daemon=True).start()
    from engine.sessions.analysis import Progress, analyze
    from engine.settings import Settings

    last = ("", 0.0)

    def on_progress(progress: Progress) -> None:
        nonlocal last
        if progress.stage != last[0] or time.monotonic() - last[1] >= EVERY:
            last = progress.stage, time.monotonic()
            pipe.send(
                {
                    "stage": progress.stage,
                    "time": progress.time,
                    "duration": progress.duration,
                    "faces": progress.faces,
                }
            )

    try:
        session = analyze(Path(video), db, name=name, settings=Settings(**settings), on_progress=on_progress)
        messages = list(session.warnings)
        if session.was_done:
            messages.insert(0, "this recording was analysed before")
        pipe.send({"state": "done", "session": session.session_id, "message": "; ".join(messages) or None})
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 -- said on the page, in full on the server's screen
        error = missing_library(error) or error
        if hasattr(error, "exit_status"):  # made for a person
            pipe.send({"state": "failed", "message": " ".join(str(error).split())})
        else:
            traceback.print_exc()
            pipe.send({"state": "failed", "message": f"internal error ({type(error).__name__}: {error})"})


def _end_with(server: BaseProcess) -> None:
    """End with the server, also where it was killed: it begins the job again, and two would be at the recording."""
    server.join()
    if not end_process_group(os.getpid(), force=True):
        os._exit(1)
