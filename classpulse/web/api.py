"""The API: what the pages show and do, as JSON for programs; /api/openapi.json describes it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from starlette.responses import FileResponse

from classpulse.report import page as report_page
from classpulse.report.sentence import session_summary
from classpulse.web.bodies import (
    JobOut,
    Judging,
    Merge,
    NamedJudging,
    NewJob,
    NewPhase,
    Problem,
    QueryBody,
    Rename,
    RoleBody,
    Split,
)
from classpulse.web.dependencies import IdParam, JudgementParam, NumberParam, ServicesDep, SessionDep
from classpulse.web.reading import overlay, plain_rows
from classpulse.web.recordings import kind_of
from engine.errors import UsageError
from storage import queries
from storage.store import Store

JsonRows = list[dict[str, Any]]
#: Longest span of time for which boxes are returned at once, s.
LONGEST_OVERLAY = 120.0


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in (400, 401, 403, *statuses)}


def _as(kind: str) -> dict[int | str, dict[str, Any]]:
    """An answer that is not JSON."""
    return {200: {"description": "The file.", "content": {kind: {}}}}


router = APIRouter(responses=_errors())
#: Responses of routes with a session, job or phase that may not exist.
SOMETHING = _errors(404)


# -- sessions


@router.get("/sessions")
def sessions(services: ServicesDep) -> JsonRows:
    """All sessions, the newest last."""
    with Store.open(services.serving.db, must_exist=True, read_only=True) as store:
        return plain_rows(queries.sessions(store).drop(columns=["source"]))


@router.get("/sessions/{session_id}", responses=SOMETHING)
def session_row(session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """A session, in one sentence (`summary`) once it is judged, and whether its recording is available."""
    row = session.info()
    recording = services.recordings.find(session, verified=False)
    return {name: value for name, value in row.items() if name != "source"} | {
        "summary": session_summary(session) if row["state"] == "done" else None,
        "recording": recording.path is not None,
        "warning": recording.why or None,
    }


@router.get("/sessions/{session_id}/students", responses=SOMETHING)
def students(session: SessionDep) -> JsonRows:
    """Its students."""
    return plain_rows(session.students())


@router.get("/sessions/{session_id}/judgements", responses=SOMETHING)
def judgements(session: SessionDep) -> JsonRows:
    """Its judgements, the latest last."""
    return plain_rows(session.judgements())


@router.get("/sessions/{session_id}/verdicts", responses=SOMETHING)
def verdicts(session: SessionDep, judgement: JudgementParam = None) -> JsonRows:
    """The verdict of every student in every window."""
    return plain_rows(session.verdicts(judgement))


@router.get("/sessions/{session_id}/class", responses=SOMETHING)
def class_verdicts(session: SessionDep, judgement: JudgementParam = None) -> JsonRows:
    """The verdict of the class in every window."""
    return plain_rows(session.class_verdicts(judgement))


@router.get("/sessions/{session_id}/overlay", responses=SOMETHING)
def boxes(
    session: SessionDep,
    services: ServicesDep,
    start: Annotated[float, Query(ge=0, le=1e6)],
    stop: Annotated[float, Query(ge=0, le=1e6)],
) -> dict[str, Any]:
    """The boxes of an interval of at most 120 s: `times`, and a list of [student, x1, y1, x2, y2] for each."""
    if not 0 < stop - start <= LONGEST_OVERLAY:
        raise UsageError(f"stop must be after start, by {LONGEST_OVERLAY:g} s at most")
    return overlay(services.serving.db, session.session_id, start, stop)


@router.get("/sessions/{session_id}/corrections", responses=SOMETHING)
def corrections(session: SessionDep) -> JsonRows:
    """Its corrections, including those undone."""
    return plain_rows(session.corrections())


@router.get(
    "/sessions/{session_id}/video",
    responses={
        **SOMETHING,
        **_as("video/*"),
        206: {"description": "A range of its bytes."},
        416: {"description": "No such range."},
    },
    response_model=None,
)
def video(session: SessionDep, services: ServicesDep) -> Response:
    """The recording, or the range of its bytes that a Range header asks for."""
    recording = services.recordings.find(session)
    if recording.path is None:
        raise HTTPException(404, recording.why)
    return FileResponse(
        recording.path, media_type=kind_of(recording.path), headers={"content-disposition": "inline"}
    )


@router.get("/sessions/{session_id}/report.html", responses={**SOMETHING, **_as("text/html")}, response_model=None)
def report(
    request: Request,
    session: SessionDep,
    services: ServicesDep,
    judgement: JudgementParam = None,
    student: JudgementParam = None,
) -> Response:
    """The report as one self-contained file."""
    answer = services.fragments.answer(
        request,
        session.session_id,
        ("report", judgement, student),
        lambda: report_page.render(session, judgement, student, commands=False),
    )
    answer.headers["content-disposition"] = f'attachment; filename="session-{session.session_id}.html"'
    return answer


# -- corrections and judgements


@router.post("/sessions/{session_id}/rename", responses=SOMETHING)
def rename(session: SessionDep, body: Rename) -> JsonRows:
    """Name a student; returns the students."""
    return plain_rows(session.rename(body.student, body.name).students())


@router.post("/sessions/{session_id}/merge", responses=SOMETHING)
def merge(session: SessionDep, body: Merge) -> JsonRows:
    """Merge two students, and recompute every judgement; returns the students."""
    return plain_rows(session.merge(body.student, body.other).students())


@router.post("/sessions/{session_id}/split", responses=SOMETHING)
def split(session: SessionDep, body: Split) -> JsonRows:
    """Split a student at a time: later faces become a new student; returns the students."""
    session.split(body.student, body.time)
    return plain_rows(session.students())


@router.post("/sessions/{session_id}/role", responses=SOMETHING)
def set_role(session: SessionDep, body: RoleBody) -> JsonRows:
    """Say whether a student is a student, teacher, picture or screen; returns the students."""
    return plain_rows(session.set_role(body.student, body.role).students())


@router.post("/sessions/{session_id}/undo", responses=SOMETHING)
def undo(session: SessionDep) -> dict[str, str]:
    """Undo the most recent active correction; returns its description."""
    return {"undone": session.undo()}


@router.get("/sessions/{session_id}/phases", responses=SOMETHING)
def phases(session: SessionDep) -> JsonRows:
    """The phases of the lesson."""
    return plain_rows(session.phases())


@router.post("/sessions/{session_id}/phases", responses=SOMETHING)
def mark(session: SessionDep, body: NewPhase) -> JsonRows:
    """Mark a phase, and judge it; returns all phases."""
    return plain_rows(session.mark(body.label, body.start, body.stop).phases())


@router.delete("/sessions/{session_id}/phases/{phase}", responses=SOMETHING)
def unmark(session: SessionDep, phase: NumberParam) -> JsonRows:
    """Delete a phase; returns the remaining phases."""
    session.unmark(phase)
    return plain_rows(session.phases())


@router.post("/sessions/{session_id}/preview", responses=SOMETHING)
def preview(session: SessionDep, services: ServicesDep, body: Judging) -> dict[str, Any]:
    """Judge without storing the judgement."""
    _, windows, class_windows = services.previews.judged(session.session_id, body.changes())
    return {"verdicts": plain_rows(windows), "class": plain_rows(class_windows)}


@router.post("/sessions/{session_id}/judge", responses=SOMETHING)
def judge(session: SessionDep, body: NamedJudging) -> JsonRows:
    """Judge, and store the judgement beside the others; returns the judgements."""
    return plain_rows(session.judge(body.name or None, **body.changes()).judgements())


# -- recordings and the queue


@router.get("/videos")
def videos(services: ServicesDep) -> JsonRows:
    """The recordings that can be analysed, the newest first."""
    return [listed._asdict() for listed in services.videos.names()]


@router.put("/videos/{name}", status_code=201, responses=_errors(413, 415))
async def upload(services: ServicesDep, name: str, request: Request) -> dict[str, str]:
    """Send a recording as the body; returns its name, which differs from the requested one if that is in use."""
    length = request.headers.get("content-length", "")
    size = int(length) if re.fullmatch("[0-9]{1,18}", length) else None
    return {"name": await services.videos.receive(name, request.stream(), size)}


@router.get("/jobs")
def jobs(services: ServicesDep) -> list[JobOut]:
    """Queued, running and ended jobs, the newest first."""
    return [JobOut.of(job) for job in services.jobs.jobs()]


@router.post("/jobs", status_code=201)
def add_job(services: ServicesDep, body: NewJob) -> JobOut:
    """Queue a recording of the folder."""
    path = services.videos.path(body.video)
    return JobOut.of(services.jobs.add(path, body.name or None, body.settings()))


@router.get("/jobs/{job_id}", responses=SOMETHING)
def job(services: ServicesDep, job_id: IdParam) -> JobOut:
    """State and progress of a job."""
    return JobOut.of(services.jobs.job(job_id))


@router.post("/jobs/{job_id}/cancel", responses=SOMETHING)
def cancel(services: ServicesDep, job_id: IdParam) -> JobOut:
    """Cancel a queued or running job; committed segments stay."""
    return JobOut.of(services.jobs.cancel(job_id))


# -- SQL


@router.post("/query", responses=_errors(503))
async def query(services: ServicesDep, body: QueryBody) -> dict[str, Any]:
    """Run a read-only SQL query. `more` is true if there are more rows than returned."""
    answer = await services.questions.table(body.sql)
    return {name: answer[name] for name in ("columns", "rows", "more")}
