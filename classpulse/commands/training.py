"""A scorer for own classes: train, scorers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def train(
    labels: Annotated[
        Path,
        typer.Argument(
            metavar="LABELS",
            readable=False,
            help="CSV file with the columns image and label, and if known person and polarity.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="ONNX file of the scorer, for `analyze --scorer`."),
    ],
    images: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", readable=False, help="Folder of the images (default: that of LABELS)."),
    ] = None,
    cropped: Annotated[
        bool, typer.Option("--cropped", help="The images are faces already; detect none in them.")
    ] = False,
    positive: Annotated[
        list[str] | None, typer.Option(metavar="CLASS", help="Class that counts as interested; may be repeated.")
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help="Class that counts as not interested; may be repeated."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="CLASS", help="Class that counts for nothing; may be repeated.")
    ] = None,
    trunk: Annotated[
        str,
        typer.Option(metavar="fer|second|both", help="Expression network whose activations are learnt from."),
    ] = "both",
    also: Annotated[
        str,
        typer.Option(
            metavar="CUES",
            help="Measured cues to learn from, too: yaw,pitch,roll,sharpness,quality.",
        ),
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first row that cannot be used.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print neither progress nor tables.")] = False,
) -> None:
    """Train a scorer for own classes: a last layer over expression networks, from labelled images.

    Its accuracy is measured on people it was not trained on (`classpulse docs train`).
    """
    from classpulse.report import terminal
    from classpulse.training.labels import Sides
    from classpulse.training.report import summary
    from classpulse.training.train import train as train_scorer

    sides: Sides = {"positive": positive or [], "negative": negative or [], "ignored": ignore or []}
    with terminal.ProgressBar(labels.name, hidden=quiet) as bar:
        training = train_scorer(
            labels,
            output,
            images=images,
            cropped=cropped,
            strict=strict,
            trunk=trunk,
            also=[name.strip() for name in also.split(",") if name.strip()],
            sides=sides,
            on_image=bar.count,
        )
    for skipped in training.skipped:
        terminal.say(f"skipped {skipped.place}: {skipped.reason}")
    for warning in training.warnings:
        terminal.say(warning)
    if not quiet:
        print(summary(training, output), end="")


@app.command()
def scorers(
    networks: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", readable=False, help="ONNX files to describe beside the installed ones."
        ),
    ] = None,
) -> None:
    """List the installed scorers and given networks: classes, polarities, quality, licence, checksum."""
    from classpulse.training.report import described

    print(described(networks or []), end="")
