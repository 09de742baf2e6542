"""Access control: host name, origin of a request, token; and the content security policy of the pages."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classpulse.web.serving import Serving

COOKIE = "classpulse"
#: Allowed without the token: the login page and its files.
OPEN = ("/login", "/static/")
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

    * Host: on loopback only the names of this machine are answered, so that no foreign host name can be pointed
      here (DNS rebinding).
    * Site: requests that change something, or that embed a page, must come from our own pages. Browsers send the
      origin, and no page can forge it (Sec-Fetch-Site, or Origin in older ones). Programs send neither, and have
      no cookie that could be abused.
    * Token: a cookie, or `Authorization: Bearer ...`.
    """

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self.app = app
        self.serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")  # personal data
            await send(message)

        refusal = self._refusal(HTTPConnection(scope), scope["method"])
        await (refusal or self.app)(scope, receive, send_with_headers)

    def _refusal(self, request: HTTPConnection, method: str) -> Response | None:
        path = request.url.path
        if self.serving.loopback and not _names_this_machine(request.headers.get("host", "")):
            return _refused(path, 421, "this page can only be opened as localhost or 127.0.0.1")
        if not _same_site(request, method):
            return _refused(path, 403, "refused: the request comes from another site")
        if self.serving.token is None or path.startswith(OPEN) or self._knows_token(request):
            return None
        if path.startswith("/api") or "hx-request" in request.headers:
            return _refused(path, 401, "the token is missing or wrong", {"www-authenticate": "Bearer"})
        address = path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(address, safe='')}", 303)

    def _knows_token(self, request: HTTPConnection) -> bool:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        return (kind.lower() == "bearer" and self.serving.is_token(text.strip())) or self.serving.is_pass(
            request.cookies.get(COOKIE, "")
        )


def _names_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name in ("localhost", "127.0.0.1", "::1")


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
