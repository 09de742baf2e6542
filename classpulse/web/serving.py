"""Settings of the server: database, folder of recordings, address, token, TLS."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from classpulse.web.jobs import queue_of
from classpulse.web.tokens import check_token
from engine.errors import UsageError

#: A Host header that is nothing but a name (or an address) and a port.
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


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
    tls_cert: Path | None = None
    """Certificate (with its chain), PEM."""
    tls_key: Path | None = None
    """Its private key, PEM."""
    insecure: bool = False
    """Whether other machines may be served without TLS."""
    proxy: str | None = None
    """Address, such as https://school.example, under which a proxy on this machine offers the page to others."""

    def __post_init__(self) -> None:
        self._check_proxy()
        place = self.proxy or f"host {self.host}"
        if self.reachable and not self.token:
            raise UsageError(
                f"{place} can be reached from other machines; give a --token (or CLASSPULSE_TOKEN), "
                "for example the output of: openssl rand -hex 24"
            )
        if self.token is not None:
            check_token(self.token)
        if (self.tls_cert is None) != (self.tls_key is None):
            raise UsageError("--tls-cert and --tls-key belong together; give both or none")
        if self.reachable and not (self.secure or self.insecure):
            raise UsageError(
                f"{place} can be reached from other machines, and without TLS anybody on the way reads the token; "
                "give --tls-cert and --tls-key, or --insecure if you mean it"
            )
        self.tls()
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"port is {self.port}; it must be 1 to 65535, or 0 for any that is free")
        if self.max_upload <= 0:
            raise UsageError("max-upload must be above 0")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.host == "localhost" or _is_loopback(self.host)

    @property
    def has_database(self) -> bool:
        """Whether the database file exists; a database on a server is assumed to exist."""
        return "://" in self.db.removeprefix("sqlite:///") or Path(self.db.removeprefix("sqlite:///")).exists()

    @property
    def jobs(self) -> Path:
        """The file of the queue: beside the database, or in the working folder if the database is on a server."""
        return queue_of(self.db)

    @property
    def reachable(self) -> bool:
        """Whether other machines can reach the page, by themselves or through a proxy."""
        return not self.loopback or self.proxy is not None

    @property
    def secure(self) -> bool:
        """Whether browsers reach the page by TLS."""
        return self.tls_cert is not None or (self.proxy or "").startswith("https://")

    @property
    def names(self) -> str:
        """The names under which the page can be opened, for a message."""
        names = dict.fromkeys(["localhost", "127.0.0.1", self._proxy_name or self.host])
        return " or ".join(names)

    @property
    def _proxy_name(self) -> str | None:
        return urlsplit(self.proxy).hostname if self.proxy else None

    def answers_to(self, host: str) -> bool:
        """Whether a request with this Host header is answered.

        Never one that is more than a name and a port. On loopback only the names of this machine and of the proxy;
        elsewhere any name, since there the token is needed, which no other site can send.
        """
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].lower().strip("[]")
        return not self.loopback or name in ("localhost", self._proxy_name) or _is_loopback(name)

    def tls(self) -> ssl.SSLContext | None:
        """The certificate and its key, loaded; None without one. Raises UsageError where they cannot be."""
        if self.tls_cert is None or self.tls_key is None:
            return None
        for path in (self.tls_cert, self.tls_key):
            if not path.is_file():
                raise UsageError(f"{path}: there is no such file; --tls-cert and --tls-key are PEM files")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.tls_cert, self.tls_key, password="")  # else it would ask on the terminal
        except OSError as error:  # also ssl.SSLError
            raise UsageError(
                f"{self.tls_cert}, {self.tls_key}: no certificate with its key ({error.strerror or error}); "
                "both are PEM files, the key without a password"
            ) from error
        return context

    def _check_proxy(self) -> None:
        if self.proxy is None:
            return
        parts = urlsplit(self.proxy)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise UsageError(
                f"invalid --proxy {self.proxy!r}; write the proxy's address, as in https://school.example"
            )
        if not self.loopback:
            raise UsageError("--proxy is for a proxy on this machine; leave --host out")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
