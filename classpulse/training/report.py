"""What is printed of a training, and of the scorers that there are."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from classpulse.training.train import Training
from engine.errors import ClasspulseError
from engine.faces import POLARITIES, Classes
from engine.settings import Settings
from engine.vision.custom.classifier import OnnxClassifier
from engine.vision.networks import checksums, licence_of, read_metadata
from engine.vision.scorers import SCORERS, describe_scorer

#: Of those that come along; docs/measured.md has the commands.
QUALITIES = {
    "fer": "65% of the faces of FER2013's public test split right",
    "fused": "that of verdicts by it: `classpulse docs verdicts`",
}


def summary(training: Training, output: Path) -> str:
    """What was learnt, how well it does on people it had not seen, and what to do next."""
    names = training.classes.names
    shares = ", ".join(f"{share:.1%}" for share in training.folds)
    rows = [
        ("class", "polarity", "faces", "people", *(f"as {name}" for name in names)),
        *(
            (member.name, member.polarity, str(faces), str(people), *map(str, row))
            for member, faces, people, row in zip(
                training.classes.members, training.faces, training.people, training.confusion.tolist(), strict=True
            )
        ),
    ]
    return (
        f"{_table(rows)}\n{training.quality} (each fold: {shares})\n"
        f"{len(training.skipped)} rows skipped; penalty {training.penalty:g}\n"
        f"Model card: {output.with_suffix('.html')}\n"
        f"Next: classpulse analyze lecture.mp4 --scorer {shlex.quote(str(output))}\n"
    )


def described(networks: Sequence[Path]) -> str:
    """A paragraph for each installed scorer and each of the `networks`."""
    return "\n".join([*map(_installed, SCORERS.names()), *map(_network, networks)])


def _installed(name: str) -> str:
    if name == "onnx":
        return f"{name}\n  any network of 2 to 12 classes in an ONNX file: --scorer FILE.onnx\n"
    try:
        classes, fingerprints = describe_scorer(Settings(scorer=name))
    except ClasspulseError as error:
        return f"{name}\n  cannot be used: {error}\n"
    own = dict.fromkeys(licence_of(network) for network in fingerprints if network in checksums())
    quality = QUALITIES.get(name, "unknown")
    return _paragraph(
        name, classes, quality, "; ".join(own) or "that of its package", ", ".join(fingerprints.values())
    )


def _network(path: Path) -> str:
    network = OnnxClassifier(path)
    stated = read_metadata(path.absolute())
    quality, licence = (stated.get(f"classpulse.{what}", "unknown") for what in ("quality", "licence"))
    return _paragraph(str(path), network.classes, quality, licence, network.fingerprint)


def _paragraph(name: str, classes: Classes, quality: str, licence: str, fingerprint: str) -> str:
    sides = "; ".join(
        f"{polarity}: {', '.join(members)}"
        for polarity in POLARITIES
        if (members := classes.with_polarity(polarity))
    )
    return f"{name}\n  {sides}\n  quality: {quality}\n  licence: {licence}\n  sha256 or version: {fingerprint}\n"


def _table(rows: Iterable[Sequence[str]]) -> str:
    """Columns side by side: two of text, then numbers."""
    cells = [list(row) for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return "".join(
        "  ".join(
            text.ljust(width) if place < 2 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        + "\n"
        for row in cells
    )
