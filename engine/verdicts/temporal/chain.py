"""Chains of hidden moods: their transitions from the evidence alone, and what each step's mood is.

Steps are equally long; a step without evidence has log-likelihoods of 0. The arithmetic is that of Rabiner,
Proceedings of the IEEE 77 (1989) 257-286, for all students at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.int8]

MOODS = 3
#: Transitions that are taken to have been seen before the first one: of a mood that lasts so many steps,
#: and is left for either of the others alike.
_PRIOR_STEPS, _PRIOR_DWELL = 30.0, 10.0
#: Steps of a student's own that weigh as much as the whole class's transitions.
_OWN_STEPS = 100.0
#: Most rounds of EM, and the change of every probability at which they end.
_ROUNDS, _STILL = 30, 2e-3


class Chain(NamedTuple):
    """How the moods of s students follow each other."""

    transition: Array
    """(s, 3, 3) the probability of the next step's mood (last axis) after each mood."""
    first: Array
    """(s, 3) of the first step's."""


def fit_chain(loglik: Array, seen: npt.NDArray[np.bool_]) -> Chain:
    """The chain of each student that makes the evidence likeliest, by EM.

    `loglik` is (steps, s, 3), and `seen` (steps, s) says where there is evidence. Those of the whole class come
    first; each student's are then pulled to those, the less the longer the student was seen.
    """
    students = loglik.shape[1]
    likelihood = _likelihood(loglik)
    prior = _PRIOR_STEPS / MOODS * _lasting(_PRIOR_DWELL)
    transition = _lasting(_PRIOR_DWELL)
    share = seen.mean(axis=0)
    for _ in range(_ROUNDS):
        chain = Chain(np.broadcast_to(transition, (students, MOODS, MOODS)), _stationary(transition, students))
        counts = _transitions(chain, likelihood)
        # Steps without a face repeat what the model says already.
        pooled = prior + (counts * share[:, None, None]).sum(axis=0)
        updated = pooled / pooled.sum(axis=1, keepdims=True)
        still = float(np.abs(updated - transition).max()) < _STILL
        transition = updated
        if still:
            break
    own = counts * share[:, None, None] + _OWN_STEPS / MOODS * transition
    each = own / own.sum(axis=2, keepdims=True)
    return Chain(each, _stationary(transition, students))


def smoothed(chain: Chain, loglik: Array) -> tuple[Array, Array]:
    """(steps, s, 3) the probability of each mood given all evidence, and given that up to the step (`filtered`)."""
    likelihood = _likelihood(loglik)
    forward = _forward(chain, likelihood)
    backward = _backward(chain, likelihood)
    both = forward * backward
    return both / both.sum(axis=2, keepdims=True), forward


def filtered(chain: Chain, loglik: Array) -> Array:
    """(steps, s, 3) the probability of each mood given the evidence up to the step, as a live camera has it."""
    return _forward(chain, _likelihood(loglik))


def drawn(chain: Chain, forward: Array, draws: int, seed: int = 0) -> Bytes:
    """(steps, s, draws) moods as they may have been, given all evidence: forward filtering, backward sampling.

    (Carter and Kohn, Biometrika 81 (1994) 541-553.) `forward` are the filtered probabilities.
    """
    rng = np.random.default_rng(seed)
    steps, students, _ = forward.shape
    moods = np.empty((steps, students, draws), np.int8)
    row = np.arange(students)[:, None]
    follows = np.zeros((students, draws), np.int8)
    after = np.ones((students, MOODS, MOODS))  # nothing follows the last step
    into = np.ascontiguousarray(chain.transition.transpose(0, 2, 1))  # (s, next, mood)
    for step in range(steps - 1, -1, -1):
        # Of each student, up to which point each mood is drawn, for every mood that may follow.
        weight = np.cumsum(forward[step][:, None] * after, axis=2)
        point = rng.random((students, draws)) * weight[row, follows, 2]
        mood = (point >= weight[row, follows, 0]).astype(np.int8)
        mood += point >= weight[row, follows, 1]
        moods[step] = follows = mood
        after = into
    return moods


def _likelihood(loglik: Array) -> Array:
    """Up to a factor of each step."""
    result: Array = np.exp(loglik - loglik.max(axis=2, keepdims=True))
    return result


def _lasting(steps: float) -> Array:
    """(3, 3) transitions of moods that last so many steps."""
    leave = 1 / steps
    return np.full((MOODS, MOODS), leave / (MOODS - 1)) + np.eye(MOODS) * (1 - leave - leave / (MOODS - 1))


def _stationary(transition: Array, students: int) -> Array:
    """(s, 3) how often each mood is in the long run."""
    share = np.linalg.matrix_power(transition, 1 << 16)[0]
    return np.broadcast_to(share / share.sum(), (students, MOODS))


def _forward(chain: Chain, likelihood: Array) -> Array:
    forward = np.empty_like(likelihood)
    ahead = chain.first
    for step, of_step in enumerate(likelihood):
        now = ahead * of_step
        now /= now.sum(axis=1, keepdims=True)
        forward[step] = now
        ahead = np.matmul(now[:, None], chain.transition)[:, 0]
    return forward


def _backward(chain: Chain, likelihood: Array) -> Array:
    """(steps, s, 3) how likely what follows each step is, up to a factor."""
    backward = np.empty_like(likelihood)
    now = np.ones(likelihood.shape[1:])
    for step in range(len(likelihood) - 1, -1, -1):
        backward[step] = now
        now = np.matmul(chain.transition, (now * likelihood[step])[:, :, None])[:, :, 0]
        now /= now.sum(axis=1, keepdims=True)
    return backward


def _transitions(chain: Chain, likelihood: Array) -> Array:
    """(s, 3, 3) the expected number of each transition."""
    forward, backward = _forward(chain, likelihood), _backward(chain, likelihood)
    ahead = backward[1:] * likelihood[1:]
    total = np.einsum("tsi,sij,tsj->ts", forward[:-1], chain.transition, ahead, optimize=True)
    ahead /= np.where(total > 0, total, 1)[:, :, None]
    counts: Array = np.einsum("tsi,tsj->sij", forward[:-1], ahead, optimize=True) * chain.transition
    return counts
