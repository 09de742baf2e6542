"""How the page is served: from which database and folder, to whom."""

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
    """What `classpulse serve` was told; checked once. Raises UsageError for what would be unsafe or cannot work."""

    db: str
    videos: Path
    """Where uploads are kept and recordings are picked from; made when it is first needed."""
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    """Who knows it may see everything; without one, everybody on this machine may."""
    max_upload: int = 8 * 2**30
    """Largest recording that is taken, bytes."""

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
        """Whether this machine alone can reach the page."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def has_database(self) -> bool:
        """Whether the database is there; one on a server is taken to be."""
        return "://" in self.db.removeprefix("sqlite:///") or Path(self.db.removeprefix("sqlite:///")).exists()

    @property
    def jobs(self) -> Path:
        """The file of the queue: beside the database, or in this folder where that is on a server."""
        place = self.db.removeprefix("sqlite:///")
        return Path("classpulse.jobs.db") if "://" in place else Path(place).with_suffix(".jobs.db")

    @property
    def pass_text(self) -> str:
        """What a browser that gave the token shows from then on; the token does not follow from it."""
        return hmac.new((self.token or "").encode(), b"classpulse page", hashlib.sha256).hexdigest()

    def is_token(self, text: str) -> bool:
        """Whether `text` is the token, in a time that does not depend on how much of it is right."""
        return self.token is not None and hmac.compare_digest(text.encode(), self.token.encode())

    def is_pass(self, text: str) -> bool:
        """Whether `text` is what `pass_text` gave out, likewise."""
        return self.token is not None and hmac.compare_digest(text.encode(), self.pass_text.encode())
