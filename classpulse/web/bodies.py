"""What programs and forms send, checked before anything is done with it, and what they are told of jobs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from classpulse.web.jobs import Job, State
from engine.settings import Settings
from engine.verdicts.strategies import STRATEGIES

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Time = Annotated[float, Field(ge=0, le=1e6)]


def _installed(name: str) -> str:
    """A strategy's name; UsageError, which is a ValueError, for one that is not there."""
    STRATEGIES.load(name)
    return name


Strategy = Annotated[str, AfterValidator(_installed)]


class Problem(BaseModel):
    """What went wrong, and the remedy, in one line."""

    detail: str


class Body(BaseModel):
    """What is sent: nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Rename(Body):
    """A name for a student; an empty one removes it."""

    student: Text
    name: Text


class Merge(Body):
    """Two students who are one person person."""

    student: Text
    other: Text


class Split(Body):
    """A student whose later faces are another person's."""

    student: Text
    time: Time


class NewPhase(Body):
    """A phase of the lesson; without a stop it lasts until the next one."""

    label: Text
    start: Time
    stop: Time | None = None


class Judging(Body):
    """Settings of judging; what is left out stays as in the latest judgement."""

    window: float | None = Field(default=None, ge=0.1, le=86_400)
    strategy: Strategy | None = None
    band: float | None = Field(default=None, ge=0, lt=1)
    min_faces: int | None = Field(default=None, ge=0, le=1_000_000)
    min_coverage: float | None = Field(default=None, ge=0, le=1)
    baseline: bool | None = None

    def changes(self) -> dict[str, Any]:
        """What was given."""
        return self.model_dump(exclude_none=True, exclude={"name"})


class NamedJudging(Judging):
    """A judgement to be kept."""

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
    """Whether the class's windows alone are kept, and nothing of a student."""

    def settings(self) -> dict[str, Any]:
        """The settings that are not as usual."""
        given = self.model_dump(exclude_none=True, exclude={"video", "name"})
        usual = vars(Settings(**given)), vars(Settings())
        return {name: value for name, value in given.items() if usual[0][name] != usual[1][name]}


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
        """What programs are told of it: the recording's name, not its folder."""
        return cls(**{**vars(job), "video": job.file_name})
