"""The pages: sessions, new analyses, a single session with all its actions, SQL, login."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from classpulse.report import page as report_page
from classpulse.report.queries import ReportQueries
from classpulse.web.bodies import NewJob, Text
from classpulse.web.dependencies import IdParam, JudgementParam, Services, ServicesDep, SessionDep
from classpulse.web.guard import COOKIE, address_of, local_path, retry_after
from classpulse.web.logins import PENALTY as WRONG_TOKEN
from classpulse.web.logins import BlockedError
from classpulse.web.previews import PreviewSources
from classpulse.web.questions import chunks
from classpulse.web.reading import plain_rows
from classpulse.web.rendering import environment, error_page, page
from classpulse.web.statuses import status_of
from engine.errors import UsageError
from engine.sessions.session import Session
from engine.settings import Settings
from engine.verdicts.strategies import STRATEGIES
from storage import queries
from storage.aggregates import is_aggregate
from storage.errors import DatabaseError, StorageError
from storage.store import Store

router = APIRouter(include_in_schema=False)
#: Sections of the report that a session's page shows, in this order: those that come with the page, those of one
#: judgement that come after it, and those of the session. All judged ones change together.
FIRST, JUDGED, LATER = ("summary", "timeline"), ("seats", "students", "heatmap", "changes"), ("provenance",)
#: Sections of a session that stores verdicts of the class only.
OF_CLASS = ("changes", "provenance")
#: Polling interval of the queue, s, and the time without changes after which a keep-alive line is sent.
LOOK, ALIVE = 0.25, 15.0
EXAMPLES = {
    "In which windows was the class least interested?": (
        "SELECT session, start, verdict, balance, interested, not_interested, insufficient\n"
        "FROM v_class_windows\nWHERE latest = 1 AND verdict <> 'insufficient'\nORDER BY balance\nLIMIT 10"
    ),
    "Which students have the lowest coverage?": (
        "SELECT session, label, name, coverage, faces, scorable, tracks\nFROM v_students\n"
        "ORDER BY coverage\nLIMIT 20"
    ),
    "How did each lesson go?": (
        "SELECT session, judgement, count(*) AS windows, round(avg(balance), 2) AS balance,\n"
        "       sum(verdict = 'interested') AS interested, sum(verdict = 'not interested') AS not_interested\n"
        "FROM v_class_windows\nGROUP BY session, judgement"
    ),
}


# -- sessions and analyses


@router.get("/")
def home(request: Request, services: ServicesDep) -> Response:
    """The sessions of the database."""
    try:
        with Store.open(services.serving.db, must_exist=True, read_only=True) as store:
            sessions = plain_rows(queries.sessions(store).iloc[::-1])
    except DatabaseError:
        if not _is_new(services):
            raise
        sessions = []
    return page(request, "sessions.html.j2", sessions=sessions, jobs=services.jobs.jobs(5))


def _is_new(services: Services) -> bool:
    """Whether there is no database yet: the first analysis makes it."""
    place = services.serving.jobs.with_suffix("").with_suffix(".db")
    return "://" not in services.serving.db.removeprefix("sqlite:///") and not place.exists()


@router.get("/new")
def new(request: Request, services: ServicesDep) -> Response:
    """Upload or pick a recording, and the queue."""
    return page(
        request,
        "new.html.j2",
        videos=services.videos.names(),
        jobs=services.jobs.jobs(),
        usual=Settings(),
        largest=services.serving.max_upload,
    )


@router.post("/jobs")
def add_job(
    request: Request,
    services: ServicesDep,
    video: Annotated[Text, Form()],
    name: Annotated[Text, Form()] = "",
    sample_rate: Annotated[float, Form(gt=0, le=60)] = Settings().sample_rate or 5,
    window: Annotated[float, Form(ge=0.1, le=86_400)] = Settings().window,
    aggregate_only: Annotated[bool, Form()] = False,
) -> Response:
    """Queue a recording."""
    wanted = NewJob(
        video=video,
        name=name.strip() or None,
        sample_rate=sample_rate,
        window=window,
        aggregate_only=aggregate_only,
    )
    services.jobs.add(services.videos.path(video), wanted.name, wanted.settings())
    return _jobs(request, services)


@router.post("/jobs/{job_id}/cancel")
def cancel(request: Request, services: ServicesDep, job_id: IdParam) -> Response:
    """Cancel a job."""
    services.jobs.cancel(job_id)
    return _jobs(request, services)


def _jobs(request: Request, services: Services) -> Response:
    if "hx-request" not in request.headers:
        return RedirectResponse("/new", 303)
    return page(request, "jobs.html.j2", jobs=services.jobs.jobs())


@router.get("/jobs/events")
async def events(request: Request, services: ServicesDep) -> Response:
    """The queue as server-sent events: the list as HTML after every change."""

    async def stream() -> AsyncIterator[str]:
        version, last = -1, time.monotonic()
        while not await request.is_disconnected():
            if services.jobs.version != version:
                version, last = services.jobs.version, time.monotonic()
                rows = await asyncio.to_thread(services.jobs.jobs)
                html = environment().get_template("jobs.html.j2").render(jobs=rows)
                yield "event: jobs\n" + "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"
            elif time.monotonic() - last > ALIVE:
                last = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(LOOK)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


# -- one session


@router.get("/sessions/{session_id}")
def session_page(
    request: Request, services: ServicesDep, session: SessionDep, judgement: JudgementParam = None
) -> Response:
    """A session's page; sections with slow queries are loaded after the page."""
    row = session.info()
    if row["state"] != "done":
        return page(request, "unfinished.html.j2", session=row)
    with Store.open(services.serving.db, must_exist=True, read_only=True) as store:
        alone = is_aggregate(store, session.session_id)
    shown = ReportQueries(session, judgement)
    recording = services.recordings.find(session, verified=False)
    return page(
        request,
        "session.html.j2",
        session=row,
        sections={name: _section(services, session, name, judgement) for name in FIRST},
        later=OF_CLASS if alone else LATER,
        alone=alone,
        judgements=session.judgements()["name"].tolist(),
        judgement=judgement,
        settings=Settings.from_json(str(shown.judgement["settings"])),
        strategies=STRATEGIES.names(),
        gone=recording.why,
        clock=session.file_times().sections,
        students=plain_rows(session.students()),
    )


@router.get("/sessions/{session_id}/sections/{name}")
def section(
    request: Request, services: ServicesDep, session: SessionDep, name: str, judgement: JudgementParam = None
) -> Response:
    """A section of the report."""
    if name not in (*FIRST, *JUDGED, *LATER):
        raise UsageError(f"the report has no section {name!r}")
    key = "section", name, judgement
    return services.fragments.answer(request, session.session_id, key, lambda: _made(session, (name,), judgement))


def _section(services: Services, session: Session, name: str, judgement: str | None) -> str:
    key = "section", name, judgement
    return services.fragments.get(session.session_id, key, lambda: _made(session, (name,), judgement)).text.decode()


def _made(session: Session, names: Sequence[str], judgement: str | None) -> str:
    sources = ReportQueries(session, judgement, commands=False)
    return "".join(report_page.fragment(sources, name) for name in names)


@router.get("/sessions/{session_id}/judged")
def judged(
    request: Request,
    session: SessionDep,
    services: ServicesDep,
    judgement: JudgementParam = None,
    rest: bool = False,
    window: Annotated[float | None, Query(ge=0.1, le=86_400)] = None,
    band: Annotated[float | None, Query(ge=0, lt=1)] = None,
    strategy: JudgementParam = None,
    baseline: bool = False,
) -> Response:
    """All sections of one judgement: the stored one, or with other settings a preview, of which nothing is stored.

    Those that come with the page (`FIRST`) are for their place in it, unless only the `rest` is asked for.
    """
    names = JUDGED if rest else (*FIRST, *JUDGED)
    settings_given = {"window": window, "band": band, "strategy": strategy, "baseline": baseline}
    changes = {name: value for name, value in settings_given.items() if value is not None}
    stored = ReportQueries(session, judgement, commands=False)
    if session.info()["state"] == "done" and all(
        stored.settings.get(name) == value for name, value in changes.items()
    ):
        key = "judged", rest, judgement
        return services.fragments.answer(request, session.session_id, key, lambda: _placed(stored, names))
    settings, windows, class_windows = services.previews.judged(session.session_id, changes)
    preview = PreviewSources(session, settings, windows, class_windows)
    return HTMLResponse(_placed(preview, names))


def _placed(sources: ReportQueries, names: Sequence[str]) -> str:
    """The sections, those of the top of the page for their place there."""
    parts = {name: report_page.fragment(sources, name) for name in names}
    top = "".join(parts.pop(name) for name in FIRST if name in parts)
    return (f'<div id="top" hx-swap-oob="innerHTML">{top}</div>' if top else "") + "".join(parts.values())


@router.get("/sessions/{session_id}/prepare", status_code=204)
def prepare(session: SessionDep, services: ServicesDep) -> None:
    """Read the evidence in advance, so that `judged` answers fast."""
    services.previews.prepare(session.session_id)


@router.post("/sessions/{session_id}/judge")
def judge(
    session: SessionDep,
    window: Annotated[float, Form(ge=0.1, le=86_400)],
    band: Annotated[float, Form(ge=0, lt=1)],
    strategy: Annotated[Text, Form()],
    baseline: Annotated[bool, Form()] = False,
) -> Response:
    """Store a judgement, and show it."""
    session.judge(window=window, band=band, strategy=strategy, baseline=baseline)
    return RedirectResponse(f"/sessions/{session.session_id}", 303)


# -- SQL


@router.get("/sql")
def sql_page(request: Request) -> Response:
    """The form for a query."""
    return page(request, "sql.html.j2", examples=EXAMPLES, sql=next(iter(EXAMPLES.values())))


@router.post("/sql")
async def ask(request: Request, services: ServicesDep, sql: Annotated[str, Form(max_length=20_000)]) -> Response:
    """The rows, as a table."""
    try:
        answer = await services.questions.table(sql)
    except StorageError as error:
        return _sql_error(request, sql, error)
    if "hx-request" in request.headers:
        return page(request, "rows.html.j2", **answer)
    return page(request, "sql.html.j2", examples=EXAMPLES, sql=sql, answer=answer)


@router.post("/sql.csv")
async def ask_csv(
    request: Request, services: ServicesDep, sql: Annotated[str, Form(max_length=20_000)]
) -> Response:
    """The rows, all of them, as a file."""
    try:
        file = await services.questions.csv(sql)
    except StorageError as error:
        return _sql_error(request, sql, error)
    headers = {"content-disposition": 'attachment; filename="rows.csv"'}
    return StreamingResponse(chunks(file), media_type="text/csv", headers=headers)


def _sql_error(request: Request, sql: str, error: StorageError) -> Response:
    """What is wrong, above the question as it was asked."""
    status, text = status_of(error), " ".join(str(error).split())
    if "hx-request" in request.headers:
        return error_page(request, status, text)
    return page(request, "sql.html.j2", status, examples=EXAMPLES, sql=sql, wrong=text)


# -- the token


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 -- the address says it
    """The form for the token."""
    return page(request, "login.html.j2", next=local_path(next), wrong="")


@router.post("/login")
async def login(
    request: Request,
    services: ServicesDep,
    token: Annotated[str, Form(max_length=500)],
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Set the cookie of a new login: unreadable by scripts, never sent with requests of other sites."""
    try:
        known = services.logins.is_token(token, address_of(request))
    except BlockedError as error:
        answer: Response = page(request, "login.html.j2", 429, next=local_path(next), wrong=str(error))
        answer.headers.update(retry_after(error))
        return answer
    if not known:
        await asyncio.sleep(WRONG_TOKEN)
        return page(request, "login.html.j2", 401, next=local_path(next), wrong="Wrong token.")
    answer = RedirectResponse(local_path(next), 303)
    secure = services.serving.secure
    answer.set_cookie(COOKIE, services.logins.open(), httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/logout")
def logout(request: Request, services: ServicesDep) -> Response:
    """End the login, here and in the browser."""
    services.logins.close(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer
