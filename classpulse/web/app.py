"""The application: routes, services and the answers to errors, for people and for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from classpulse.web import api, correcting, files, pages
from classpulse.web.dependencies import Services
from classpulse.web.fragments import Fragments
from classpulse.web.guard import Guard
from classpulse.web.jobs import Jobs
from classpulse.web.logins import Logins
from classpulse.web.questions import Questions
from classpulse.web.reading import Previews
from classpulse.web.recordings import Recordings
from classpulse.web.rendering import error_page
from classpulse.web.serving import Serving
from classpulse.web.statuses import status_of
from classpulse.web.videos import Videos
from engine.errors import ClasspulseError
from engine.version import __version__
from storage.errors import StorageError

HERE = Path(__file__).parent


def create_app(serving: Serving) -> FastAPI:
    """The application; its queue starts and stops with it."""
    services = Services(
        serving=serving,
        logins=Logins(serving.token),
        jobs=Jobs(serving.jobs, serving.db),
        videos=Videos(serving.videos, serving.max_upload),
        recordings=Recordings(),
        previews=Previews(serving.db),
        questions=Questions(serving.db),
        fragments=Fragments(serving.db),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.videos.clear()
        services.jobs.start()
        yield
        services.jobs.stop()

    app = FastAPI(
        title="classpulse",
        version=__version__,
        summary="Sessions in the database, corrections, judgements and a queue of analyses.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # these pages load scripts from another machine
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.services = services
    app.add_middleware(Guard, serving=serving, logins=services.logins)
    for kind in (HTTPException, ClasspulseError, StorageError):
        app.add_exception_handler(kind, _answer(error_page))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.include_router(files.router)  # before the folder that its addresses lie in
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.include_router(api.router, prefix="/api")
    app.include_router(pages.router)
    app.include_router(correcting.router)
    return app


def _answer(page: Callable[[Request, int, str], Response]) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        status = status_of(error)
        text = str(error.detail) if isinstance(error, HTTPException) else " ".join(str(error).split())
        if request.scope["path"].startswith("/api"):
            headers = error.headers if isinstance(error, HTTPException) else None
            return JSONResponse({"detail": text}, status, headers)
        return page(request, status, text)

    return answer


async def _invalid(request: Request, error: Exception) -> Response:
    """What is wrong with the address or the form, in a sentence; for programs, each fault with its place."""
    assert isinstance(error, RequestValidationError)
    if request.scope["path"].startswith("/api"):
        return await request_validation_exception_handler(request, error)
    first = error.errors()[0]
    where, name = first["loc"][0], str(first["loc"][-1])
    if where == "path":
        return error_page(request, 404, f"there is nothing at {request.scope['path'][:200]}")
    return error_page(request, 422, f"{name}: {first['msg'].lower()}")


async def _gone(_request: Request, _error: Exception) -> Response:
    """The client has gone in the middle of an upload or a form: nobody is there to be told."""
    return Response(status_code=400)
