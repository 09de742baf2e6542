"""However many processes see a recording, and whatever becomes of them, its rows are the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from classpulse.simulation.render import Renderer
from engine import Settings, analyze
from engine.errors import NetworkError, UsageError, WorkerError
from engine.runtime import local, platform
from engine.sessions.analysis import Progress
from tests.drawn import LESSON, SETTINGS, count, rows
from tests.engine.synthetic import write_video

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")

ROOT = Path(__file__).parents[3]
#: A frame every 2 s, and none from 40 to 81 s: 13 segments, of which 5, 6 and 7 are empty.
TIMES = [*range(0, 41, 2), *range(82, 130, 2)]
SEGMENTS = 13


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Longer than what is seen without workers, and with a gap that is longer than a segment."""
    renderer = Renderer(LESSON)
    pictures = [renderer.frame(i).image for i in range(16)]
    images = [pictures[i % 16] for i in range(len(TIMES))]
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return write_video(path, TIMES, images=images, time_base=Fraction(1), options={"g": "12"})


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So long that nobody is done with it while a test runs: the same picture, a hundred times as often."""
    picture = Renderer(LESSON).frame(0).image
    path = tmp_path_factory.mktemp("hour") / "hour.mp4"
    return write_video(path, range(3600), images=[picture] * 3600, time_base=Fraction(1), options={"g": "12"})


@pytest.fixture(scope="module")
def whole(long: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its database, seen in one go in this process."""
    db = tmp_path_factory.mktemp("whole") / "classpulse.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "FEWEST_SEGMENTS", 1000)
        analyze(long, db, settings=SETTINGS)
    assert [row["frames"] for row in rows(db)["segments"]] == [5, 5, 5, 5, 1, 0, 0, 0, 4, 5, 5, 5, 5]
    return db


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "classpulse.db"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def workers_left() -> list[int]:
    """Children of this process that run the workers' program; tests of the page leave others to it."""
    commands = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children(os.getpid())}
    return [child for child, command in commands.items() if b"engine.runtime" in command]


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pids: list[int]) -> None:
    for _ in range(200):
        if not any(map(running, pids)):
            return
        time.sleep(0.1)
    pytest.fail(f"still running after 20 s: {pids}")


# -- how many


def test_the_machine_has_at_least_one() -> None:
    assert 1 <= local.usable_workers(Settings()) <= (os.cpu_count() or 1)
    assert local.usable_workers(Settings(engine="reference")) == 1


@pytest.mark.parametrize(
    ("cores", "memory", "workers"),
    [(8, 16 * 2**30, 8), (8, 3 * 2**30 - 1, 2), (8, 2**29, 1), (8, None, 4), (2, None, 2)],
)
def test_workers_by_default_fit_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: int | None, workers: int
) -> None:
    monkeypatch.setattr(platform, "usable_cores", lambda: cores)
    monkeypatch.setattr(platform, "physical_memory", lambda: memory)
    assert local.usable_workers(Settings()) == workers


# -- identical rows


@pytest.mark.parametrize("number", [1, 3])
def test_any_number_of_workers_gives_the_same_rows(long: Path, whole: Path, db: Path, number: int) -> None:
    told: list[Progress] = []
    analyze(long, db, settings=SETTINGS, workers=number, on_progress=told.append)
    assert rows(db) == rows(whole)
    times, frames = [seen.time for seen in told], [seen.frames for seen in told]
    assert times == sorted(times)
    assert frames[-1] == len(TIMES)
    assert told[-1].faces == count(db, "faces")
    assert 0.8 * 130 < told[-1].time <= 130
    assert workers_left() == []


def test_stopped_and_gone_on_with(long: Path, whole: Path, db: Path) -> None:
    """What is committed may have holes; a worker that is killed is one line, and costs nothing but its segment."""

    def stop(seen: Progress) -> None:
        committed = {row["segment"] for row in rows(db)["segments"]} if db.exists() else set()
        if seen.stage == "detect" and committed - set(range(len(committed))):  # both workers have come to something
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(long, db, settings=SETTINGS, workers=2, on_progress=stop)
    assert workers_left() == []
    committed = {row["segment"] for row in rows(db)["segments"]}
    assert 0 < len(committed) < SEGMENTS

    def kill(seen: Progress) -> None:
        if seen.frames == 1 and sys.platform != "win32":
            for worker in workers_left():  # all, since one of them may have done its part by now
                os.kill(worker, signal.SIGKILL)

    words = (
        "long.mp4: a worker process was killed (signal 9), possibly out of memory; finished segments are saved, "
        "rerun with fewer --workers to resume"
    )
    with pytest.raises(WorkerError, match=re.escape(words)) as caught:
        analyze(long, db, settings=SETTINGS, workers=2, on_progress=kill)
    assert "\n" not in str(caught.value)
    assert workers_left() == []

    told: list[Progress] = []
    analyze(long, db, settings=SETTINGS, workers=1, on_progress=told.append)
    assert told[0].resumed >= 10 * len(committed)
    assert rows(db) == rows(whole)


def test_workers_end_when_the_program_is_killed(long: Path, whole: Path, db: Path, tmp_path: Path) -> None:
    """It is a script without any guard of its main part, and it runs once."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from engine import Settings, analyze\n"
        "print('once', flush=True)\n"
        f"analyze(*sys.argv[1:3], settings={SETTINGS!r}, workers=2,\n"
        "        on_progress=lambda seen: print(seen.frames, flush=True))\n"
    )
    command = [sys.executable, str(script), str(long), str(db)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        while process.stdout.readline() != "3\n":
            assert process.poll() is None
        its_workers = children(process.pid)
        assert len(its_workers) == 2
        process.kill()
    wait_until_gone(its_workers)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=True)
    assert done.stdout.split().count("once") == 1
    assert rows(db) == rows(whole)


@pytest.mark.parametrize("seconds", [0, 0.3, 2])
def test_ctrl_c_is_one_line_and_leaves_nobody(hour: Path, db: Path, seconds: float) -> None:
    """Of every process that gets it: the workers too, while they start, while they load, and while they work."""
    if sys.platform == "win32":
        pytest.skip("this system has no groups of processes")
    command = [sys.executable, "-m", "cli", "analyze", str(hour), "--db", str(db), "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, process_group=0
    ) as process:
        for _ in range(600):
            its_workers = children(process.pid)
            if len(its_workers) == 2:
                break
            time.sleep(0.05)
        time.sleep(seconds)
        for worker in its_workers:
            os.kill(worker, signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        begun = time.monotonic()
        out, err = process.communicate(timeout=60)
        assert time.monotonic() - begun < 15
    assert (process.returncode, out) == (130, "")
    assert re.fullmatch(r"classpulse: stopped; finished segments of .*\n", err)
    wait_until_gone(its_workers)


# -- what goes wrong


def test_what_a_worker_raises_is_raised(long: Path, db: Path) -> None:
    settings = Settings(sample_rate=1, device="cuda")
    with pytest.raises(NetworkError, match=r"CUDA|cuda") as caught:
        analyze(long, db, settings=settings, workers=2)
    assert "In a worker:" in caught.value.__notes__[0]
    assert workers_left() == []


@pytest.mark.parametrize("number", [0, -1])
def test_less_than_one_worker(long: Path, db: Path, number: int) -> None:
    with pytest.raises(UsageError, match="it must be 1 or more"):
        analyze(long, db, settings=SETTINGS, workers=number)


def test_a_short_recording_is_seen_without_workers(
    recording: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    analyze(recording, db, settings=SETTINGS, workers=4)


def test_damage_is_counted_by_workers(tmp_path: Path, db: Path) -> None:
    """Zeros in place of a packet in the first run and of one in the last."""
    texture = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)
    images = [np.roll(texture, 3 * i, axis=1) for i in range(100)]
    path = write_video(tmp_path / "a.mp4", images=images, time_base=Fraction(1), options={"g": "10", "bf": "0"})
    from tests.engine.vision.sources.clips import wreck

    wreck(path, [25, 75])
    blind = Settings(sample_rate=1, min_face=60)
    session = analyze(path, db, settings=blind, workers=2)
    assert "2 damaged packets or images of it were skipped" in session.warnings[0]
