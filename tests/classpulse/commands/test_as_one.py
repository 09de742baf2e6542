"""The files of a lesson as one session on the command line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.classpulse.commands.conftest import Run
from tests.engine.synthetic import numbered, write_video


def test_files_of_a_lesson_become_one_session(run: Run, folder: Path) -> None:
    for k in (1, 2):
        write_video(folder / f"part{k}.mp4", images=[numbered(k)] * 20, time_base=Fraction(1, 10))
    result = run("analyze", "part2.mp4", "part1.mp4", "--as-one", "Monday [8b]", "--no-expression")
    assert result.status == 0
    assert "classpulse: part1.mp4 and 1 more: nothing says when each was recorded" in result.err
    assert "Session 1: Monday [8b]" in result.out
    assert "\nFiles: 2: part1.mp4 0:00–0:02, part2.mp4 0:02–0:04\n" in run("show", "Monday [8b]").out
    again = run("analyze", "part1.mp4", "part2.mp4", "--as-one", "Monday [8b]", "--no-expression")
    assert "part1.mp4 is finished: session 1; --again analyses it again." in again.err
    assert [line.split()[0] for line in run("sessions").out.splitlines()] == ["session", "1"]


def test_what_cannot_be_one_session_is_one_line(run: Run, folder: Path) -> None:
    write_video(folder / "part1.mp4", images=[numbered(1)] * 20, time_base=Fraction(1, 10))
    write_video(folder / "part2.mp4", images=[numbered(2, 160, 96)] * 20, time_base=Fraction(1, 10))
    for arguments, message in {
        (
            "part1.mp4",
            "part2.mp4",
        ): "part2.mp4: 160x96 px, but part1.mp4 has 80x48; files of one lesson",
        ("part1.mp4", "part1.mp4"): "part1.mp4 is named twice; name each file of the lesson once",
        ("part1.mp4", "part3.mp4"): "part3.mp4: no such file; check the path",
        ("part1.mp4", "part2.mp4", "--name", "Tuesday"): "--as-one names the session; omit --name",
    }.items():
        result = run("analyze", *arguments, "--as-one", "Monday")
        assert result.status == 2, arguments
        assert message in result.complaint()


def test_the_sound_of_all_files_is_in_the_annotated_video(run: Run, folder: Path) -> None:
    for k in (1, 2):
        write_video(folder / f"part{k}.mp4", images=[numbered(k)] * 20, time_base=Fraction(1, 10), tone=True)
    assert run("analyze", "part1.mp4", "part2.mp4", "--as-one", "Monday", "--no-expression", "-q").status == 0
    assert run("annotate", "Monday").status == 0
    with av.open("part1.mp4") as part:
        length = max(packet.pts * packet.time_base for packet in part.demux(audio=0) if packet.pts is not None)
    with av.open("annotated.mp4") as clip:
        times = [packet.pts * packet.time_base for packet in clip.demux(audio=0) if packet.pts is not None]
    assert times == sorted(set(times))
    assert float(max(times)) == pytest.approx(float(2 + length), abs=0.1)
    assert sum(time >= 2 for time in times) == pytest.approx(len(times) / 2, abs=3)
