"""A real RTSP server for tests, as a process that can be killed, stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path

#: The Python that has GStreamer's bindings: Debian's, not that of the tests.
PYTHON = "/usr/bin/python3"
_PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
    "Gst.init(None); assert Gst.ElementFactory.find('h265parse') and Gst.ElementFactory.find('rtph264pay')"
)


@cache
def why_missing() -> str | None:
    """Why there can be no RTSP server here; None where there can."""
    if not shutil.which(PYTHON):
        return f"no {PYTHON} here"
    probe = subprocess.run([PYTHON, "-c", _PROBE], capture_output=True, env=_environment())
    packages = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad}"
    return None if probe.returncode == 0 else f"no GStreamer with its RTSP server here ({packages})"


class RtspServer:
    """Plays `path` at rtsp://127.0.0.1:PORT/cam to every visitor from its beginning."""

    def __init__(self, path: Path, codec: str = "h264", port: int = 0) -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        self._process = subprocess.Popen(
            [PYTHON, script, path, codec, str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def address(self, place: str = "cam", user: str = "") -> str:
        return f"rtsp://{user}127.0.0.1:{self.port}/{place}"

    def hang(self) -> None:
        self._process.send_signal(signal.Signals["SIGSTOP"])

    def go_on(self) -> None:
        self._process.send_signal(signal.Signals["SIGCONT"])

    def kill(self) -> None:
        """Have it gone without a word; its port is free when this returns."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
