"""Corrections on a session's page: phases marked; students renamed, merged, split and given a role; undo."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from classpulse.report import page as report_page
from classpulse.web.bodies import Text, form_time
from classpulse.web.dependencies import NumberParam, SessionDep
from classpulse.web.reading import plain_rows
from classpulse.web.rendering import page
from storage.schema import ROLES

router = APIRouter(include_in_schema=False)


# -- phases


@router.post("/sessions/{session_id}/mark")
def mark(
    request: Request,
    session: SessionDep,
    label: Annotated[Text, Form()],
    at: Annotated[Text, Form()],
    until: Annotated[Text, Form()] = "",
) -> Response:
    """Mark a phase of the lesson, and judge it."""
    session.mark(label, form_time(at), form_time(until) if until.strip() else None)
    return _marked(request, session, f"{label} is marked")


@router.post("/sessions/{session_id}/unmark/{which}")
def unmark(request: Request, session: SessionDep, which: NumberParam) -> Response:
    """Delete a phase."""
    session.unmark(which)
    return _marked(request, session, "the phase is deleted")


def _marked(request: Request, session: SessionDep, text: str) -> Response:
    if "hx-request" not in request.headers:
        return RedirectResponse(f"/sessions/{session.session_id}", 303)
    answer = phases(request, session, text)
    answer.headers["hx-trigger"] = json.dumps({"corrected": session.session_id})
    return answer


@router.get("/sessions/{session_id}/phases")
def phases(request: Request, session: SessionDep, message: str = "") -> Response:
    """The phases with the verdicts of the class, and a form for another."""
    return page(
        request,
        "phases.html.j2",
        session=session.info(),
        phases=plain_rows(session.phases()),
        table=report_page.section("phases", session),
        message=message if request.method == "POST" else "",
    )


# -- corrections


@router.post("/sessions/{session_id}/rename")
def rename(
    request: Request, session: SessionDep, student: Annotated[Text, Form()], name: Annotated[Text, Form()] = ""
) -> Response:
    """Name a student."""
    session.rename(student, name)
    return _corrected(request, session, f"{student} is called {name} now" if name else f"{student} has no name now")


@router.post("/sessions/{session_id}/merge")
def merge(
    request: Request, session: SessionDep, student: Annotated[Text, Form()], other: Annotated[Text, Form()]
) -> Response:
    """Merge two students."""
    session.merge(student, other)
    return _corrected(request, session, f"{student} and {other} are one student now")


@router.post("/sessions/{session_id}/split")
def split(
    request: Request, session: SessionDep, student: Annotated[Text, Form()], at: Annotated[Text, Form()]
) -> Response:
    """Split a student at a time."""
    new = session.split(student, form_time(at))
    return _corrected(request, session, f"{new} is the new student from {at} on")


@router.post("/sessions/{session_id}/role")
def set_role(
    request: Request, session: SessionDep, student: Annotated[Text, Form()], role: Annotated[Text, Form()]
) -> Response:
    """Say what a student is."""
    session.set_role(student, role)
    return _corrected(request, session, f"{student} has the role {role} now")


@router.post("/sessions/{session_id}/undo")
def undo(request: Request, session: SessionDep) -> Response:
    """Undo the most recent active correction."""
    return _corrected(request, session, f"undone: {session.undo()}")


def _corrected(request: Request, session: SessionDep, text: str) -> Response:
    if "hx-request" not in request.headers:
        return RedirectResponse(f"/sessions/{session.session_id}", 303)
    answer = corrections(request, session, text)
    answer.headers["hx-trigger"] = json.dumps({"corrected": session.session_id})
    return answer


@router.get("/sessions/{session_id}/corrections")
def corrections(request: Request, session: SessionDep, message: str = "") -> Response:
    """The forms, and the corrections so far."""
    rows = plain_rows(session.corrections())
    return page(
        request,
        "corrections.html.j2",
        session=session.info(),
        students=plain_rows(session.students()),
        corrections=rows,
        roles=ROLES,
        message=message if request.method == "POST" else "",
    )
