"""Settings of the server: database, folder of recordings, address, token."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError

#: A token of fewer characters could be guessed.
SHORTEST_TOKEN = 16


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The options of `classpulse serve`, checked once. Raises UsageError for unsafe or invalid ones."""

    db: str
    videos: Path
    """Folder of recordings and uploads; created by the first upload."""
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    """Grants access to all data; without one, every user of this machine has access."""
    max_upload: int = 8 * 2**30
    """Size of the largest upload, bytes."""

    def __post_init__(self) -> None:
        if not self.loopback and not self.token:
            raise UsageError(
                f"host {self.host} can be reached from other machines; give a --token of {SHORTEST_TOKEN} "
                "characters or more (or CLASSPULSE_TOKEN), or leave --host out"
            )
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise UsageError(f"the token has {len(self.token)} characters; it must have {SHORTEST_TOKEN} or more")
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"port is {self.port}; it must be 1 to 65535, or 0 for any that is free")
        if self.max_upload <= 0:
            raise UsageError("max-upload must be above 0")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def has_database(self) -> bool:
        """Whether the database file exists; a database on a server is assumed to exist."""
        return "://" in self.db.removeprefix("sqlite:///") or Path(self.db.removeprefix("sqlite:///")).exists()

    @property
    def jobs(self) -> Path:
        """The file of the queue: beside the database, or in the working folder if the database is on a server."""
        place = self.db.removeprefix("sqlite:///")
        return Path("classpulse.jobs.db") if "://" in place else Path(place).with_suffix(".jobs.db")

    @property
    def pass_text(self) -> str:
        """Value of the login cookie; the token cannot be derived from it."""
        return hmac.new((self.token or "").encode(), b"classpulse page", hashlib.sha256).hexdigest()

    def is_token(self, text: str) -> bool:
        """Whether `text` is the token, compared in constant time."""
        return self.token is not None and hmac.compare_digest(text.encode(), self.token.encode())

    def is_pass(self, text: str) -> bool:
        """Whether `text` equals `pass_text`, compared in constant time."""
        return self.token is not None and hmac.compare_digest(text.encode(), self.pass_text.encode())
