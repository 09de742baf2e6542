"""Addresses of cameras and streams: which there are, and how they are shown without what lets somebody in."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from engine.errors import UsageError

#: What FFmpeg reads live over a network.
SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "rtp", "srt", "tcp")
#: Keys of an address's query whose values are nobody's business.
_SECRET = re.compile(r"pass|pwd|user|login|token|key|secret|auth|sig|cred", re.IGNORECASE)
_ADDRESS = re.compile(rf"({'|'.join(SCHEMES)})://(?=[^/?#])", re.IGNORECASE)


def is_stream(location: str) -> bool:
    """Whether `location` is the address of a live stream, such as rtsp://camera.local/stream1."""
    return _ADDRESS.match(location) is not None


def without_secrets(address: str) -> str:
    """The address for messages, rows and logs: no user, no password, and *** for what its query says of them."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    query = [(key, "***" if _SECRET.search(key) else value) for key, value in parse_qsl(parts.query, True)]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*/:"), ""))


def with_password(address: str, password: str) -> str:
    """The address with the `password` of the user it names.

    Raises UsageError where it names no user, or has a password already.
    """
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        raise UsageError(
            f"{without_secrets(address)}: no user is named to whom the password belongs; write it as "
            f"{parts.scheme}://USER@{host}"
        )
    if ":" in user:
        raise UsageError(f"{without_secrets(address)}: it has a password already; give it once")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
