"""Request bodies of programs and forms, validated, and the response for jobs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from classpulse.web.jobs import Job, State
from engine.errors import UsageError
from engine.settings import Settings
from engine.times import parse_time
from engine.verdicts.strategies import STRATEGIES

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
#: The latest time of a session that is asked for, s.
LATEST = 1e6
Time = Annotated[float, Field(ge=0, le=LATEST)]


def form_time(text: str) -> float:
    """The seconds of a time as people write it. Raises UsageError for no time, and one after LATEST."""
    time = parse_time(text)
    if time > LATEST:
        raise UsageError(f"{text.strip()} is after {LATEST:g} s; no session is that long")
    return time


def _installed(name: str) -> str:
    """A strategy's name; raises UsageError, which is a ValueError, for an unknown one."""
    STRATEGIES.load(name)
    return name


Strategy = Annotated[str, AfterValidator(_installed)]


class Problem(BaseModel):
    """An error and its remedy, in one line."""

    detail: str


class Body(BaseModel):
    """Base of request bodies; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Rename(Body):
    """A name for a student; an empty one removes it."""

    student: Text
    name: Text


class Merge(Body):
    """Two students that are the same person."""

    student: Text
    other: Text


class Split(Body):
    """A student, and the time from which the faces are those of another person."""

    student: Text
    time: Time


class RoleBody(Body):
    """What a student is: a student, a teacher, a picture or a screen."""

    student: Text
    role: Text


class NewPhase(Body):
    """A phase of the lesson; without a stop it lasts until the next one."""

    label: Text
    start: Time
    stop: Time | None = None


class Judging(Body):
    """Settings of judging; omitted ones stay as in the latest judgement."""

    window: float | None = Field(default=None, ge=0.1, le=86_400)
    strategy: Strategy | None = None
    band: float | None = Field(default=None, ge=0, lt=1)
    min_faces: int | None = Field(default=None, ge=0, le=1_000_000)
    min_coverage: float | None = Field(default=None, ge=0, le=1)
    baseline: bool | None = None
    sure: float | None = Field(default=None, ge=0.34, le=0.99)
    min_students: int | None = Field(default=None, ge=1, le=1_000_000)

    def changes(self) -> dict[str, Any]:
        """The settings that were sent."""
        return self.model_dump(exclude_none=True, exclude={"name"})


class NamedJudging(Judging):
    """A judgement to be stored."""

    name: Text | None = None


class NewJob(Body):
    """A recording of the folder to be analysed."""

    video: Text
    name: Text | None = None
    sample_rate: float | None = Field(default=None, gt=0, le=60)
    window: float | None = Field(default=None, ge=0.1, le=86_400)
    strategy: Strategy | None = None
    band: float | None = Field(default=None, ge=0, lt=1)
    aggregate_only: bool = False
    """Whether only the class's windows are stored, and no data of students."""

    def settings(self) -> dict[str, Any]:
        """The non-default settings."""
        values = self.model_dump(exclude_none=True, exclude={"video", "name"})
        usual = vars(Settings(**values)), vars(Settings())
        return {name: value for name, value in values.items() if usual[0][name] != usual[1][name]}


class QueryBody(Body):
    """One SQL statement that only reads."""

    sql: str = Field(min_length=1, max_length=20_000)


class JobOut(BaseModel):
    """A job of the queue."""

    id: int
    video: str
    name: str | None
    settings: dict[str, Any]
    state: State
    stage: str | None
    time: float
    duration: float | None
    faces: int
    session: int | None
    message: str | None
    created: str
    ended: str | None

    @classmethod
    def of(cls, job: Job) -> JobOut:
        """The response for a job, with the recording's name and without its folder."""
        return cls(**{**vars(job), "video": job.file_name})
