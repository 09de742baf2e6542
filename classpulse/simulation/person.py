"""Who is drawn and what the face shows: identities from a seed, expressions of the moods."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from classpulse.simulation.canvas import Array


@dataclass(frozen=True, kw_only=True)
class Expression:
    """What moves in a face. Lengths and places in face units, the rest strengths in 0..1."""

    mouth_width: float = 0.40
    """Half of the mouth's width."""
    mouth_curve: float = 0.0
    """How far the corners lie above the middle."""
    mouth_open: float = 0.0
    mouth_y: float = 0.80
    upper_share: float = 0.5
    """Share of the opening that lies above the line of the mouth."""
    teeth: float = 0.0
    upper_lip: float = 0.085
    lower_lip: float = 0.12
    brow_inner: float = -0.50
    """Height of the brow's inner end."""
    brow_outer: float = -0.50
    brow_arch: float = 0.08
    brow_gap: float = 0.17
    """Half of the gap between the brows."""
    brow_thickness: float = 0.065
    upper_lid: float = 0.13
    """How far the eye opens above its line."""
    lower_lid: float = 0.07
    iris: float = 0.105
    squint: float = 0.0
    lid_fold: float = 0.35
    eye_socket: float = 0.25
    cheek_fold: float = 0.15
    """The fold from the nose to the corner of the mouth."""
    cheek: float = 0.10
    frown: float = 0.0
    """The folds between the brows."""
    forehead: float = 0.0
    """Lines across the forehead."""
    chin: float = 0.10
    jaw_drop: float = 0.0


# Fitted so that FER's network gives the named emotion on faces of 24 to 120 px; the base is a face at rest.
NEUTRAL = Expression(
    mouth_width=0.333,
    mouth_curve=-0.004,
    mouth_y=0.734,
    upper_lip=0.071,
    lower_lip=0.117,
    brow_inner=-0.398,
    brow_outer=-0.382,
    brow_arch=0.067,
    brow_gap=0.161,
    brow_thickness=0.071,
    upper_lid=0.068,
    lower_lid=0.066,
    iris=0.087,
    squint=0.14,
    lid_fold=0.456,
    eye_socket=0.095,
    cheek_fold=0.025,
    cheek=0.0,
    chin=0.105,
)
HAPPY = Expression(
    mouth_width=0.62,
    mouth_curve=0.182,
    mouth_open=0.208,
    mouth_y=0.737,
    upper_share=0.122,
    teeth=0.467,
    upper_lip=0.11,
    lower_lip=0.125,
    brow_inner=-0.587,
    brow_outer=-0.498,
    brow_arch=0.089,
    upper_lid=0.136,
    lower_lid=0.028,
    squint=0.07,
    lid_fold=0.426,
    eye_socket=0.115,
    cheek_fold=0.476,
    cheek=0.349,
)
SURPRISE = Expression(
    mouth_width=0.24,
    mouth_open=0.345,
    mouth_y=0.837,
    upper_share=0.506,
    upper_lip=0.091,
    lower_lip=0.141,
    brow_inner=-0.716,
    brow_outer=-0.693,
    brow_arch=0.151,
    brow_gap=0.178,
    upper_lid=0.21,
    lower_lid=0.104,
    lid_fold=0.276,
    eye_socket=0.18,
    cheek_fold=0.067,
    forehead=0.29,
    jaw_drop=0.105,
)
ANGRY = Expression(
    mouth_width=0.291,
    mouth_curve=-0.182,
    mouth_open=0.025,
    mouth_y=0.837,
    upper_share=0.217,
    upper_lip=0.064,
    lower_lip=0.086,
    brow_inner=-0.30,
    brow_outer=-0.687,
    brow_arch=0.0,
    brow_gap=0.204,
    brow_thickness=0.078,
    upper_lid=0.103,
    lower_lid=0.044,
    squint=0.694,
    lid_fold=0.149,
    eye_socket=0.219,
    cheek_fold=0.568,
    cheek=0.022,
    frown=0.436,
    chin=0.078,
)
SAD = Expression(
    mouth_width=0.422,
    mouth_curve=-0.202,
    mouth_y=0.882,
    upper_lip=0.06,
    lower_lip=0.112,
    brow_inner=-0.698,
    brow_outer=-0.382,
    brow_arch=0.013,
    brow_gap=0.15,
    brow_thickness=0.061,
    upper_lid=0.102,
    lower_lid=0.088,
    squint=0.037,
    lid_fold=0.242,
    eye_socket=0.351,
    cheek_fold=0.166,
    cheek=0.044,
    frown=0.511,
    forehead=0.195,
    chin=0.012,
)
MOODS = {"neutral": NEUTRAL, "happy": HAPPY, "surprise": SURPRISE, "angry": ANGRY, "sad": SAD}

# What a face shows, and how far from NEUTRAL it goes on small faces, where little of it is left, and on large ones,
# where MTCNN would not take a grimace for a face.
_PLAYED = {
    "neutral": (NEUTRAL, 1.0, 1.0),
    "happy": (HAPPY, 0.9, 0.48),
    "surprise": (SURPRISE, 1.0, 0.75),
    "angry": (ANGRY, 0.8, 0.66),
    "sad": (SAD, 0.75, 0.85),
    # What passes over a neutral face now and then, see `stage`.
    "amused": (HAPPY, 0.6, 0.35),
}
_SMALL, _LARGE = 32.0, 56.0
"""Heights of a small and of a large face, px."""

HAIRCUTS = ("short", "long", "fringe", "bun")
_SKINS = np.array(
    [[244, 208, 180], [229, 184, 150], [206, 158, 122], [172, 122, 88], [134, 90, 62], [102, 68, 48]], np.float32
)
_HAIRS = np.array(
    [[28, 24, 22], [45, 32, 24], [80, 54, 34], [128, 92, 52], [178, 142, 88], [110, 48, 28]], np.float32
)
_IRISES = np.array([[50, 34, 24], [70, 50, 30], [70, 90, 110], [70, 90, 60]], np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Identity:
    """What stays in a face. Colours are RGB in 0..255, lengths in face units."""

    seed: int
    skin: Array
    hair: Array
    width: float
    """Half of the head's width; 1 on average."""
    jaw: float
    """How much the head narrows to the chin."""
    haircut: str
    hairline: float
    volume: float
    """Width of the hair against the head's."""
    parting: float
    eye_x: float
    eye_width: float
    nose_width: float
    nose_length: float
    lips: float
    """Fullness, 1 on average."""
    brows: float
    """Thickness, 1 on average."""
    mouth_shift: float
    glasses: bool
    iris: Array
    shirt: Array
    light: float
    """Where the light falls from: negative from the image's left."""

    @classmethod
    def from_seed(cls, seed: int) -> Identity:
        """The person with that number; deterministic."""
        rng = np.random.default_rng(seed)
        tone = rng.uniform(0, 5)
        i = int(tone)
        skin = _SKINS[i] * (1 - tone + i) + _SKINS[min(i + 1, 5)] * (tone - i)
        skin = skin + rng.normal(0, 4, 3).astype(np.float32)
        hair = rng.choice(6, p=[0.3, 0.25, 0.2, 0.1, 0.08, 0.07]) if tone < 3 else rng.choice(2)
        return cls(
            seed=seed,
            skin=skin,
            hair=_HAIRS[hair],
            width=rng.uniform(0.90, 1.04),
            jaw=rng.uniform(0.16, 0.34),
            haircut=str(rng.choice(HAIRCUTS)),
            hairline=rng.uniform(-1.05, -0.85),
            volume=rng.uniform(1.08, 1.24),
            parting=rng.uniform(-0.5, 0.5),
            eye_x=rng.uniform(0.39, 0.45),
            eye_width=rng.uniform(0.18, 0.22),
            nose_width=rng.uniform(0.17, 0.24),
            nose_length=rng.uniform(0.36, 0.44),
            lips=rng.uniform(0.8, 1.25),
            brows=rng.uniform(0.8, 1.25),
            mouth_shift=rng.uniform(-0.03, 0.03),
            glasses=bool(rng.random() < 0.2),
            iris=_IRISES[rng.choice(4, p=[0.55, 0.25, 0.12, 0.08])],
            shirt=rng.uniform(40, 220, 3).astype(np.float32),
            light=rng.uniform(-0.35, 0.35),
        )


def between(first: Expression, second: Expression, share: float) -> Expression:
    """The expression that lies `share` of the way from the first to the second."""
    values = {f.name: (1 - share) * getattr(first, f.name) + share * getattr(second, f.name) for f in fields(first)}
    return replace(first, **values)


def play(shown: str, height: float) -> Expression:
    """How a face `height` px high shows one of MOODS, or "amused"."""
    expression, small, large = _PLAYED[shown]
    share = min(max((height - _SMALL) / (_LARGE - _SMALL), 0.0), 1.0)
    return between(NEUTRAL, expression, small + share * (large - small))
