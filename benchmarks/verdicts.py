"""`make bench-verdicts`: how often a window of labelled faces gets the verdict of its mood, strategy by strategy.

Windows are drawn from the labelled faces of FER2013's public test split (`../shared`, or CLASSPULSE_DATA). A window
has a mood (positive: happy, surprise; neutral; negative: angry, disgust, fear, sad), 25 to 75 faces and a purity of
60 to 90 %: that share of its faces has its mood, and each of the others one of the other two by the toss of a coin.
Faces are drawn with replacement among those of the mood, and stand in random order. Pictures are resized to 24,
32, 48 or 96 px as a whole, so that the boxes of the faces are 18, 25, 37 or 74 px wide, then cut out and scored as
in the first pass.

Pictures are split into three by their bytes (so that one that is there twice lies on one side): the calibration
is fitted on `fit` (benchmarks/fit_calibration.py), the other numbers were chosen on `choose`, and the table is made
on `report`. Insufficient counts as wrong. The settings are the default ones, except that faces of
every size count.

The second table is on `baseline`: lessons of students whose neutral faces are all of the more negative (dour)
or of the more positive half (sunny), and of students of (nearly) one mood all lesson long.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from engine.faces import EMOTIONS, FER, NEGATIVE, POSITIVE
from engine.settings import Settings
from engine.verdicts.calibration import valence_shares
from engine.verdicts.evidence import Evidence, ScoredFaces
from engine.verdicts.judging import judge
from engine.verdicts.scale import INSUFFICIENT, VERDICTS
from engine.vision.expression import FerScorer, crop_faces
from engine.vision.quality import measure

SIZES = (24, 32, 48, 96)
SPLITS = ("fit", "choose", "report")
#: By mood 0, 1, 2: positive, neutral, negative.
WANTED = np.array(["interested", "neutral", "not interested"])
_FRONTAL = np.array([(-0.47, 0), (0.47, 0), (0, 0.53), (-0.38, 1), (0.38, 1)], np.float32)
#: MTCNN's boxes are this much higher than wide; the crop is this much wider than the box.
_HIGH, _CROP = 1.32, 1.3
_LONGEST = 75
_WINDOWS_A_STUDENT = 30


Ints = npt.NDArray[np.int64]


class Labelled(NamedTuple):
    """Labelled faces of one size and split."""

    mood: Ints
    """(n,) 0 positive, 1 neutral, 2 negative."""
    emotions: npt.NDArray[np.float32]
    """(n, 7) as scored."""
    quality: npt.NDArray[np.float32]
    """(n,)"""
    loglik: npt.NDArray[np.float32] | None = None
    """(n, 3) of the three moods."""


def labelled_faces(split: str, size: int, scorer: FerScorer | None = None) -> Labelled:
    """Score the faces of a split ("fit", "choose" or "report"), resized to `size` px."""
    mine, mood = labelled_files(split)
    width = np.float32(size / _CROP)
    box = size / 2 + np.array([[-1, -_HIGH, 1, _HIGH]], np.float32) * width / 2
    crops = np.concatenate([crop_faces(_picture(file, size), box) for file in mine])
    boxes, landmarks = np.repeat(box, len(mine), axis=0), np.repeat(_FRONTAL[None] * width / 2, len(mine), axis=0)
    emotions, loglik = (scorer or FerScorer()).read(crops)
    return Labelled(mood, emotions, measure(crops, boxes, landmarks, Settings()).quality, loglik)


def labelled_files(split: str) -> tuple[list[Path], Ints]:
    """The pictures of a split, 48 px, and their moods: 0 positive, 1 neutral, 2 negative."""
    files = [(file, file.read_bytes()) for file in sorted(folder().glob("*/*.jpg"))]
    place = SPLITS.index(split)
    mine = [file for file, data in files if hashlib.sha256(data).digest()[0] % len(SPLITS) == place]
    mood_of = {name: 0 if name in POSITIVE else 2 if name in NEGATIVE else 1 for name in EMOTIONS}
    return mine, np.array([mood_of[file.parent.name] for file in mine])


def shared() -> Path:
    """Where data lies that is not the project's own."""
    return Path(os.environ.get("CLASSPULSE_DATA", Path(__file__).parents[2] / "shared"))


def folder() -> Path:
    """Where FER2013's public test split lies."""
    path = shared() / "eval" / "fer2013_public"
    if not path.is_dir():
        raise SystemExit(f"no labelled faces at {path} (set CLASSPULSE_DATA)")
    return path


def draw(
    mood: Ints, windows: int, seed: int, *, moods: tuple[float, ...] = (1 / 3,) * 3, neutral: Ints | None = None
) -> tuple[list[Ints], Ints]:
    """Draw windows of faces with these moods (n,): the places of each window's faces, and the windows' moods.

    `moods` are the shares of windows with a positive, neutral and negative mood; `neutral` are the places of the
    neutral faces to draw from, instead of all.
    """
    rng = np.random.default_rng(seed)
    pools = [np.flatnonzero(mood == one) for one in range(3)]
    pools[1] = pools[1] if neutral is None else neutral
    wanted = rng.permutation(np.searchsorted(np.cumsum(moods), (np.arange(windows) + 0.5) / windows))
    drawn = []
    for one in wanted.tolist():
        number = int(rng.integers(25, _LONGEST + 1))
        own = round(number * rng.uniform(0.6, 0.9))
        others = rng.choice([other for other in range(3) if other != one], number - own)
        faces = [rng.choice(pools[each]) for each in (*[one] * own, *others)]
        drawn.append(rng.permutation(faces))
    return drawn, wanted


def verdicts(faces: Labelled, drawn: list[Ints], settings: Settings) -> npt.NDArray[np.str_]:
    """Judge the drawn windows, 30 in a row being one student's lesson: (windows,) verdicts."""
    place = np.concatenate(drawn)
    window = np.repeat(np.arange(len(drawn)), [len(each) for each in drawn])
    frame = np.concatenate([np.arange(len(each)) for each in drawn])
    student, window = window // _WINDOWS_A_STUDENT, window % _WINDOWS_A_STUDENT
    frame_index = window * _LONGEST + frame
    order = np.argsort(frame_index, kind="stable")
    scored = ScoredFaces(
        time=frame_index[order] / 5,
        student=student[order],
        scores=faces.emotions[place[order]],
        quality=faces.quality[place[order]],
        scorable=np.ones(len(order), np.bool_),
        classes=FER,
        loglik=None if faces.loglik is None else faces.loglik[place[order]].astype(np.float64),
    )
    frames = _WINDOWS_A_STUDENT * _LONGEST
    rows, _ = judge(Evidence(np.arange(frames) / 5, scored, frames / 5), settings)
    judged: npt.NDArray[np.str_] = rows["verdict"].reshape(_WINDOWS_A_STUDENT, -1).T.ravel()[: len(drawn)]
    return judged


def recalls(judged: npt.NDArray[np.str_], moods: Ints) -> tuple[float, list[float]]:
    """Share of right verdicts over all windows, and of those of positive, neutral and negative mood."""
    right = judged == WANTED[moods]
    return float(right.mean()), [float(right[moods == mood].mean()) for mood in range(3)]


def resting(faces: Labelled, windows: int = 600) -> dict[tuple[str, str], tuple[float, float]]:
    """Share of right verdicts without and with the neutral baseline, by the moods and neutral faces of a lesson."""
    neutral = np.flatnonzero(faces.mood == 1)
    shares = valence_shares(faces.emotions[neutral])
    order = neutral[np.argsort(shares[:, 0] - shares[:, 2])]
    halves = {"any": neutral, "dour": order[: len(order) // 2], "sunny": order[len(order) // 2 :]}
    lessons = {"all three": (1 / 3,) * 3, "neutral": (0.0, 1.0, 0.0), "mostly neutral": (0.15, 0.7, 0.15)}
    lasting = {"negative": (0.0, 0.0, 1.0), "mostly negative": (0.1, 0.2, 0.7), "positive": (1.0, 0.0, 0.0)}
    shares_right = {}
    for name, moods in (lessons | lasting).items():
        for half in halves if name in lessons else ["any"]:
            drawn, wanted = draw(faces.mood, windows, seed=3, moods=moods, neutral=halves[half])
            off, on = (
                float((verdicts(faces, drawn, settings) == WANTED[wanted]).mean())
                for settings in (Settings(window=_LONGEST / 5, baseline=on) for on in (False, True))
            )
            shares_right[name, half] = off, on
    return shares_right


def main(split: str = "report", windows: int = 3000) -> None:
    """Print the table."""
    scorer = FerScorer()
    window = _LONGEST / 5
    print(f"{windows} windows of the split `{split}`; share with the right verdict")
    print("| px | strategy | all | positive mood | neutral mood | negative mood | insufficient | wrong |")
    print("|---" * 8 + "|")
    for size in SIZES:
        faces = labelled_faces(split, size, scorer)
        drawn, moods = draw(faces.mood, windows, seed=SPLITS.index(split))
        for name in ("weighted", "sum", "dominant"):
            judged = verdicts(faces, drawn, Settings(strategy=name, window=window))
            overall, each = recalls(judged, moods)
            none = (judged == VERDICTS[INSUFFICIENT]).mean()
            shares = " | ".join(f"{share:.3f}" for share in (overall, *each, none, 1 - overall - none))
            print(f"| {size} | `{name}` | {shares} |", flush=True)
    print("\n| px | moods of the lesson | neutral faces | `baseline` off | on |\n|---|---|---|---|---|")
    for size in (32, 48):
        for (name, half), (off, on) in resting(labelled_faces(split, size, scorer)).items():
            print(f"| {size} | {name} | {half} | {off:.2f} | {on:.2f} |", flush=True)


def _picture(file: Path, size: int) -> npt.NDArray[np.uint8]:
    image = cv2.imread(str(file))
    if image is None:
        raise SystemExit(f"{file} is not a picture")
    smaller = size < image.shape[0]
    resized = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return resized.astype(np.uint8)


if __name__ == "__main__":
    main()
