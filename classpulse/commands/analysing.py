"""From footage to verdicts: analyze, demo, doctor."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import typer

from classpulse.commands.options import (
    DEFAULT,
    AggregateOnly,
    Band,
    Baseline,
    Database,
    Exclude,
    MinCoverage,
    MinFace,
    MinFaces,
    MinStudents,
    NoExpression,
    Quiet,
    StrategyOption,
    Sure,
    Window,
    aspect_of,
    sample_rate_of,
    scorer_of,
    thresholds_of,
)
from classpulse.commands.recordings import RESPONSIBLE, AnalysisOptions, analyze_all, listed, queue_all
from classpulse.commands.showing import show_session
from classpulse.commands.streams import STREAMS
from engine.recorded import parse_recorded
from engine.settings import MAX_GAP, Device, Engine, Precision, Scan, Settings

app = typer.Typer()


@app.command()
def analyze(
    videos: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO...",
            readable=False,
            help="Video files or folders of images, or @FILE with one in each line; each becomes one session, but "
            "for --as-one.",
        ),
    ],
    db: Database = "classpulse.db",
    name: Annotated[str | None, typer.Option(help="Name of the session (default: the file name).")] = None,
    as_one: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The files are one lesson: one session of this name, in order of the times of recording.",
        ),
    ] = None,
    recorded_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the recording began, YYYY-MM-DD HH:MM (default: what its file or its name says).",
        ),
    ] = None,
    sample_rate: Annotated[
        str, typer.Option(metavar="RATE|all", help="Frames analysed per second of video.")
    ] = f"{DEFAULT.sample_rate:g}",
    every: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Interval between the images of a folder, in order of name (default: their EXIF times, or 1).",
        ),
    ] = None,
    max_gap: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="Longest jump of the video's clock that counts as session time."),
    ] = MAX_GAP,
    keep_gaps: Annotated[
        bool, typer.Option("--keep-gaps", help="Count every jump of the video's clock as session time.")
    ] = False,
    stream: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Number of the video stream in the file (default: the one marked so, or the largest)."
        ),
    ] = None,
    aspect: Annotated[
        str | None,
        typer.Option(metavar="W:H", help="Shape of the picture, such as 16:9, where the file states a wrong one."),
    ] = None,
    window: Window = DEFAULT.window,
    strategy: StrategyOption = None,
    band: Band = DEFAULT.band,
    min_faces: MinFaces = DEFAULT.min_faces,
    min_coverage: MinCoverage = DEFAULT.min_coverage,
    sure: Sure = DEFAULT.sure,
    min_students: MinStudents = DEFAULT.min_students,
    baseline: Baseline = DEFAULT.baseline,
    no_expression: NoExpression = False,
    min_face: MinFace = DEFAULT.min_face,
    thresholds: Annotated[
        str, typer.Option(metavar="P,R,O", help="Score thresholds of the three MTCNN networks.")
    ] = ",".join(map(str, DEFAULT.thresholds)),
    min_hits: Annotated[
        int, typer.Option(help="Detections that confirm a track (at 5 frames a second; scaled at others).")
    ] = DEFAULT.min_hits,
    max_age: Annotated[
        float, typer.Option(metavar="SECONDS", help="Seconds a track survives without a detection.")
    ] = DEFAULT.max_age,
    scan: Annotated[
        Scan,
        typer.Option(help="`guided`: full scan once a second, else where faces are expected; `full`: every frame."),
    ] = DEFAULT.scan,
    engine: Annotated[
        Engine, typer.Option(help="`reference`: the original mtcnn and fer packages.")
    ] = DEFAULT.engine,
    detector: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="`mtcnn`, `retinaface`, `yunet`, `auto` (the one of the first two that sees more) or an installed "
            "plugin's (`classpulse docs extending`).",
        ),
    ] = DEFAULT.detector,
    detector_weights: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="Weights file; `yunet` needs one.")
    ] = None,
    scorer: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="`fer`, `fused` (and once a second a second network), an ONNX file or an installed plugin "
            "(`classpulse docs extending`).",
        ),
    ] = DEFAULT.scorer,
    scorer_model: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="ONNX network of the scorer `onnx`.")
    ] = None,
    scorer_spec: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="TOML file that says what that network takes and gives."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Device that runs the networks.")] = DEFAULT.device,
    precision: Annotated[
        Precision, typer.Option(help="`f32`: all layers in 32 bits, so that every processor finds the same faces.")
    ] = DEFAULT.precision,
    exclude: Exclude = None,
    aggregate_only: AggregateOnly = False,
    min_group: Annotated[
        int,
        typer.Option(help="With --aggregate-only: minimum number of judged students for a verdict of the class."),
    ] = DEFAULT.min_group,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Number of worker processes (default: one per CPU core)."),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Where detection runs: `processes`, `in-process` or the name of an installed plugin "
            "(`classpulse docs extending`); default: processes, unless the recording is short.",
        ),
    ] = None,
    queued: Annotated[
        bool,
        typer.Option(
            "--queue",
            help="Only queue the recordings in a PostgreSQL database, for `classpulse work` on any machine; "
            "implies --precision f32.",
        ),
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Analyse finished recordings again.")] = False,
    display: Annotated[
        bool, typer.Option("--display", help="Show detections in a window during the analysis; q closes it.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Analyse recordings: detect faces, track students, judge every window.

    If it is interrupted, run the same command again to resume; a finished recording is not analysed twice.
    """
    videos = listed(videos)
    if as_one is not None and name is not None:
        raise typer.BadParameter("--as-one names the session; omit --name")
    if recorded_at is not None and len(videos) > 1 and as_one is None:
        raise typer.BadParameter("--recorded-at holds for one recording; analyse them one by one")
    if keep_gaps and max_gap != MAX_GAP:
        raise typer.BadParameter("--keep-gaps keeps gaps of any length; omit --max-gap")
    if min_group != DEFAULT.min_group and not aggregate_only:
        raise typer.BadParameter("--min-group requires --aggregate-only")
    network = scorer_of(scorer, scorer_model)
    settings = Settings(
        sample_rate=sample_rate_of(sample_rate), every=every, max_gap=None if keep_gaps else max_gap, stream=stream,
        aspect=None if aspect is None else aspect_of(aspect), expression=not no_expression, window=window,
        band=band, min_faces=min_faces, min_coverage=min_coverage, sure=sure,
        min_students=min_students, baseline=baseline, min_face=min_face,
        thresholds=thresholds_of(thresholds),
        scan=scan, min_hits=min_hits, max_age=max_age, engine=engine, device=device, precision=precision,
        detector=detector,
        detector_weights=str(detector_weights.absolute()) if detector_weights else None,
        scorer=network.name,
        scorer_model=network.model,
        scorer_spec=str(scorer_spec.absolute()) if scorer_spec else None,
        aggregate_only=aggregate_only, min_group=min_group,
    )  # fmt: skip
    if strategy:
        settings = dataclasses.replace(settings, strategy=strategy)
    options = AnalysisOptions(
        db=db,
        settings=settings,
        exclude=exclude or (),
        again=again,
        workers=workers,
        executor=executor,
        display=display,
        quiet=quiet,
        recorded_at=None if recorded_at is None else parse_recorded(recorded_at),
    )
    if queued:
        if as_one is not None or display or workers is not None or executor is not None:
            raise typer.BadParameter(
                "--queue leaves each recording to a worker; omit --as-one, --display, --workers, --executor"
            )
        raise typer.Exit(queue_all(videos, name, options))
    raise typer.Exit(analyze_all(videos if as_one is None else [videos], as_one or name, options))


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Output folder.")] = Path("demo"),
) -> None:
    """Draw a lesson of 20 s, analyse it, compare the verdicts with the ground truth, write a report and a video."""
    from classpulse.report import page, rows, terminal
    from classpulse.report.clip import annotate
    from classpulse.simulation.comparing import compare
    from classpulse.simulation.lesson import demo_lesson
    from classpulse.simulation.render import render_lesson
    from engine.outputs import output_file
    from engine.sessions.analysis import analyze as analyze_one

    STREAMS.outlive_output()
    folder.mkdir(parents=True, exist_ok=True)
    lesson, window = demo_lesson(), 5.0
    video, db, script = folder / "lesson.mp4", folder / "classpulse.db", folder / "truth.csv"
    refusal = "`demo` did not draw it, so choose another folder"
    with (
        output_file(video, replaces=lambda _: script.exists(), refusal=refusal) as drawn,
        terminal.ProgressBar("drawing the lesson") as bar,
    ):
        truth = render_lesson(lesson, drawn, progress=bar.count, container_format="mp4")
        with output_file(script) as written:
            truth.write_csv(written)
    with terminal.ProgressBar(video.name) as bar:
        session = analyze_one(video, db, name="Demo", settings=Settings(window=window), on_progress=bar)
    show_session(session)
    comparison = compare(truth, session.faces(), session.verdicts(), window)
    rows.write(session.verdicts(), "csv", folder / "verdicts.csv", db)
    page.write(page.render(session), folder / "report.html")
    with terminal.ProgressBar("annotated.mp4") as bar:
        annotate(
            session, folder / "annotated.mp4", on_progress=lambda time, end: bar.count(round(time), round(end or 0))
        )
    agreement = {"of faces from 48 px": comparison.agreement(48), "in all": comparison.agreement()}
    terminal.show(terminal.comparison((comparison.detected, comparison.students), agreement))
    terminal.show(
        f"\nOpen {folder / 'report.html'} in a browser to look at the lesson: no server, no connection needed;\n"
        f"{folder / 'annotated.mp4'} in any player.\n"
        f"In {folder}, too: lesson.mp4, its truth.csv, classpulse.db, verdicts.csv. Next, for example:\n"
        + "\n".join(f"  {command}" for command in next_commands(db))
    )


def next_commands(db: Path) -> list[str]:
    """Commands to go on with after `demo`, as a shell takes them."""
    where = f"--db {shlex.quote(str(db))}"
    return [
        f"classpulse show Demo --windows {where}",
        f"classpulse query {where} 'select label, faces, coverage from v_students'",
    ]


@app.command()
def doctor(
    device: Annotated[Device, typer.Option(help="Device to test.")] = DEFAULT.device,
    db: Annotated[
        str | None,
        typer.Option(metavar="FILE|URL", help="Database to check: its rows, and how long they are kept."),
    ] = None,
) -> None:
    """Check the installation: versions, networks, device; test them for a second."""
    from classpulse.report import terminal
    from classpulse.simulation.lesson import Lesson
    from classpulse.simulation.render import frames
    from engine.runtime.doctor import checks
    from storage import retention
    from storage.checking import check
    from storage.store import Store

    lesson = Lesson(students=2, rows=1, width=320, height=240, duration=0.04, moods=(("happy",), ("neutral",)))
    results = checks(next(frames(lesson)).image, lesson.students, device)
    lines = [(check.item, check.result, check.good) for check in results]
    if db:
        with Store.open(db, must_exist=True, read_only=True) as store:
            lines += check(store)
            lines.append(
                ("retention", *terminal.retention_line(retention.retention(store), retention.overdue(store)))
            )
    terminal.show(terminal.checks_table(lines))
    print(f"\n{RESPONSIBLE}")
    raise typer.Exit(0 if all(good for *_, good in lines) else 1)
