from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.vision.appearance import LENGTH, describe

FACE = (140.0, 80.0, 180.0, 130.0)


def person(shirt: tuple[int, int, int], hair: tuple[int, int, int], face: int = 200) -> np.ndarray:
    image = np.full((300, 320, 3), 128, np.uint8)
    cv2.rectangle(image, (80, 140), (240, 300), shirt, -1)
    cv2.rectangle(image, (130, 55), (190, 100), hair, -1)
    cv2.rectangle(image, (140, 86), (180, 130), (face, face - 30, face - 40), -1)
    return image


def look(image: np.ndarray) -> np.ndarray:
    values: np.ndarray = describe(image, [FACE])[0].astype(float)
    return values


def test_shape_and_dtype() -> None:
    image = person((200, 20, 20), (20, 20, 20))
    assert describe(image, np.empty((0, 4))).shape == (0, LENGTH)
    found = describe(image, [FACE, FACE])
    assert found.shape == (2, LENGTH)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("part", ["shirt", "hair"])
def test_other_clothes_or_hair_look_different_and_dimmer_light_does_not(part: str) -> None:
    red, blue, black = (190, 40, 40), (40, 60, 180), (25, 25, 25)
    one = person(red, black)
    other = person(blue, black) if part == "shirt" else person(red, (180, 140, 60))
    dimmer = np.rint(one * 0.93).astype(np.uint8)
    assert np.linalg.norm(look(one) - look(other)) > 3 * np.linalg.norm(look(one) - look(dimmer))


def test_the_face_itself_is_not_looked_at() -> None:
    np.testing.assert_array_equal(
        look(person((9, 99, 9), (20, 20, 20), face=220)), look(person((9, 99, 9), (20, 20, 20), 120))
    )


def test_a_patch_outside_the_image_is_zero() -> None:
    found = describe(
        person((9, 99, 9), (20, 20, 20)), [(140, 240, 180, 299), (140, 0, 180, 50), (900, 900, 940, 950)]
    )
    half = LENGTH // 2
    assert [(row[:half].any(), row[half:].any()) for row in found] == [(False, True), (True, False), (False, False)]


def test_the_people_of_a_clip_look_like_themselves(shared: Path) -> None:
    truth = np.loadtxt(shared / "eval/mot/students_gt.txt", delimiter=",")
    video = cv2.VideoCapture(str(shared / "footage/students.mp4"))
    looks, who = [], []
    for number in range(1, 140):
        _, image = video.read()
        rows = truth[(truth[:, 0] == number) & (truth[:, 8] == 1)]
        if number % 20 == 1:
            boxes = np.hstack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]])
            looks.append(describe(np.asarray(image[..., ::-1], np.uint8), boxes))
            who.append(rows[:, 1])
    look, person = np.concatenate(looks).astype(float), np.concatenate(who)
    distance = np.linalg.norm(look[:, None] - look[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = person[distance.argmin(axis=1)]
    assert np.mean(nearest == person) > 0.9
