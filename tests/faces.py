"""Drawn photographs of people who are engaged or bored, with a table of labels, as users of `train` have them."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from classpulse.simulation.lesson import Lesson
from classpulse.simulation.render import Renderer

#: Their moods in the lesson that is drawn, and what the table calls them.
LABELS = {"happy": "engaged", "angry": "bored"}
PEOPLE = 6
#: Photographs of each person in each mood.
PHOTOS = 2


def write_faces(folder: Path, *, cropped: bool = False) -> Path:
    """`labels.csv` in `folder`, with image, label and person, and the images in `photos`; returns the table's path.

    Photographs are of one person each; `cropped` ones of the face alone.
    """
    moods = tuple(tuple(LABELS) if place % 2 else tuple(reversed(LABELS)) for place in range(PEOPLE))
    lesson = Lesson(
        students=PEOPLE, rows=1, people=tuple(range(30, 30 + PEOPLE)), width=1280, height=400, fps=1,
        duration=2 * 10, mood_seconds=10, moods=moods,
    )  # fmt: skip
    renderer = Renderer(lesson)
    (folder / "photos").mkdir(parents=True)
    rows = []
    for number in (4, 8, 14, 18):
        frame = renderer.frame(number)
        for person, box in enumerate(frame.boxes):
            label = LABELS[moods[person][number // 10]]
            name = f"{person}-{number}.png"
            side = (box[2] - box[0]) * (1.3 if cropped else 2.4)
            x, y = ((box[:2] + box[2:]) / 2 - side / 2).astype(int)
            photo = frame.image[max(y, 0) : y + int(side), max(x, 0) : x + int(side)]
            cv2.imwrite(str(folder / "photos" / name), np.ascontiguousarray(photo[..., ::-1]))
            rows.append((name, label, f"person {person}"))
    path = folder / "labels.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "label", "person"), *rows])
    return path
