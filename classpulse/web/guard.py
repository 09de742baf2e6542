"""Access control: host name, origin of a request, token; and the content security policy of the pages."""

from __future__ import annotations

import asyncio
import logging
import math
from pathlib import Path
from urllib.parse import quote, urlsplit

from fastapi import HTTPException
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classpulse.web.files import LIBRARY
from classpulse.web.logins import PENALTY, BlockedError, Logins
from classpulse.web.serving import Serving

COOKIE = "classpulse"
STATIC = Path(__file__).with_name("static")
#: Allowed without the token, and nothing that only begins like one of them: the login page and every file it loads.
OPEN = frozenset(
    {
        "/login",
        *(f"/static/{file.relative_to(STATIC).as_posix()}" for file in STATIC.rglob("*") if file.is_file()),
        *(f"/static/library/{name}" for name in LIBRARY),
    }
)
#: The largest body but an upload's, bytes; forms are read into memory, the login's from anybody.
LARGEST_BODY = 2**20
UPLOADS = "/api/videos/"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: Only scripts served here run, and nothing is loaded from, or sent to, another site. Inline styles are allowed,
#: since Plotly sets them.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """Refuses forbidden requests before any route handles them, and adds the security headers for browsers.

    * Host: only a plain name is answered, on loopback only the names of this machine, so that no foreign host name
      can be pointed here (DNS rebinding).
    * Site: requests that change something, or that embed a page, must come from our own pages. Browsers send the
      origin, and no page can forge it (Sec-Fetch-Site, or Origin in older ones). Programs send neither, and have
      no cookie that could be abused.
    * Token: the cookie of a login, or `Authorization: Bearer ...`.

    What is asked for is the path that the server read from the request line (`scope["path"]`), by which the routes
    are found, too; `request.url` is put together with the Host header, in which a client writes what it likes.
    """

    def __init__(self, app: ASGIApp, serving: Serving, logins: Logins) -> None:
        self.app = app
        self.serving = serving
        self.logins = logins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no route speaks anything else
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")  # personal data
            await send(message)

        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_BODY and not scope["path"].startswith(UPLOADS):
                raise HTTPException(413, f"the body is larger than {LARGEST_BODY:,} bytes")
            return message

        try:
            refusal = await self._refusal(HTTPConnection(scope), scope["method"])
            await (refusal or self.app)(scope, receive_some, send_with_headers)
        except Exception:
            if started:
                raise  # the connection ends in the middle of the answer
            logging.getLogger("classpulse.web").exception("internal error")
            answer = _refused(scope["path"], 500, "internal error; the server's terminal has the details")
            await answer(scope, receive, send_with_headers)

    async def _refusal(self, request: HTTPConnection, method: str) -> Response | None:
        path = request.scope["path"]
        if not self.serving.answers_to(request.headers.get("host", "")):
            return _refused(path, 421, f"this page can only be opened as {self.serving.names}")
        if not _same_site(request, method):
            return _refused(path, 403, "refused: the request comes from another site")
        if self.serving.token is None or path in OPEN or self.logins.is_open(request.cookies.get(COOKIE, "")):
            return None
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            try:
                if self.logins.is_token(text.strip(), address_of(request)):
                    return None
            except BlockedError as error:
                return _refused(path, 429, str(error), retry_after(error))
            await asyncio.sleep(PENALTY)
        if path.startswith("/api") or "hx-request" in request.headers:
            return _refused(path, 401, "the token is missing or wrong", {"www-authenticate": "Bearer"})
        query = request.scope["query_string"].decode("latin-1")
        address = path + (f"?{query}" if query else "")
        return RedirectResponse(f"/login?next={quote(address, safe='')}", 303)


def address_of(request: HTTPConnection) -> str:
    """The address that a request came from, as the connection says, or the proxy that `--proxy` trusts."""
    return request.client.host if request.client else ""


def retry_after(error: BlockedError) -> dict[str, str]:
    """When to try again, as a header."""
    return {"retry-after": str(math.ceil(error.seconds))}


def _same_site(request: HTTPConnection, method: str) -> bool:
    site, mode = request.headers.get("sec-fetch-site"), request.headers.get("sec-fetch-mode")
    if site is not None:
        # `none` is the address bar. Another site may link here, but not embed or send anything.
        return site in ("same-origin", "none") or (method in SAFE and mode == "navigate")
    origin = request.headers.get("origin")
    if method in SAFE or origin is None:
        return True
    return urlsplit(origin).netloc == request.headers.get("host")


def _refused(path: str, status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    if path.startswith("/api"):
        return JSONResponse({"detail": text}, status, headers)
    return PlainTextResponse(f"classpulse: {text}\n", status, headers)


def local_path(path: str) -> str:
    """`path` if it is local, else the first page: a login must not redirect to another site."""
    parts = urlsplit(path)
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return path if inside and path.isprintable() else "/"
