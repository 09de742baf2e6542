"""A page of HTML to PDF, by the Chromium that is installed."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from engine.outputs import output_file
from engine.runtime.platform import find_browser, is_root
from storage.errors import StorageError

#: How long the browser may take, s.
PATIENCE = 120


#: Chromium looks up hosts of its vendor at every start, for updates, trials and lists. It prints a file that loads
#: nothing: no name is found, and what needs none goes to a proxy that is not there.
OFFLINE = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=socks5://0.0.0.0:1",
    "--proxy-bypass-list=<-loopback>",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=MediaRouter,OptimizationHints,Translate,AutofillServerCommunication",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
)


class PrintError(StorageError, RuntimeError):
    """There is no browser that prints, or it failed."""


def to_pdf(page: Path, pdf: Path) -> None:
    """Print the HTML file `page` to `pdf`, in place of an earlier PDF alone. Raises PrintError in one line."""
    browser = find_browser()
    if browser is None:
        raise PrintError(
            f"no Chromium is installed, so {pdf} was not written; install chromium, or print {page} in any browser"
        )
    refusal = "it is not a PDF, so choose another file with --output"
    with output_file(pdf, replaces=_is_pdf, refusal=refusal) as partial, tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={profile}"]
        command += OFFLINE
        if is_root():
            command.append("--no-sandbox")  # Chromium gives root none
        command += [f"--print-to-pdf={partial.absolute()}", page.absolute().as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired as error:
            raise PrintError(f"{browser} did not print {page} in {PATIENCE} s; print it in a browser") from error
        if done.returncode or not partial.stat().st_size:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise PrintError(f"{browser} did not print {page} ({reason}); print it in a browser")


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"%PDF-"
