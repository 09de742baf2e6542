"""Dependencies of the routes: the application's services, the session and the judgement of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from classpulse.web.fragments import Fragments
from classpulse.web.jobs import Jobs
from classpulse.web.logins import Logins
from classpulse.web.questions import Questions
from classpulse.web.reading import Previews
from classpulse.web.recordings import Recordings
from classpulse.web.serving import Serving
from classpulse.web.videos import Videos
from engine.sessions.session import Session


@dataclass(frozen=True)
class Services:
    """Application services shared by all routes."""

    serving: Serving
    logins: Logins
    jobs: Jobs
    videos: Videos
    recordings: Recordings
    previews: Previews
    questions: Questions
    fragments: Fragments


def services_of(request: Request) -> Services:
    """The application's services."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]
#: A session's or a job's number in an address.
IdParam = Annotated[int, Path(ge=1, le=2**31 - 1)]
#: The number of a phase.
NumberParam = Annotated[int, Path(ge=0, le=2**31 - 1)]
#: The name of a judgement; without it, the latest.
JudgementParam = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


def session_of(services: ServicesDep, session_id: IdParam) -> Session:
    """The session with this number. Raises SessionError for an unknown number."""
    session = Session(services.serving.db, session_id)
    session.info()
    return session


SessionDep = Annotated[Session, Depends(session_of)]
