"""Wrong tries and logins against a clock that tests move."""

from __future__ import annotations

import pytest

from classpulse.web.logins import FORGIVEN, IDLE, LONGEST, BlockedError, Logins
from tests.classpulse.web.conftest import TOKEN


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logins(clock: Clock) -> Logins:
    return Logins(TOKEN, clock)


def test_the_wait_doubles_with_every_further_try(logins: Logins, clock: Clock) -> None:
    for _ in range(5):
        assert not logins.is_token("wrong", "10.0.0.1")
    waits = []
    for _ in range(9):
        with pytest.raises(BlockedError) as blocked:
            logins.is_token("wrong", "10.0.0.1")
        waits.append(blocked.value.seconds)
        clock.now += blocked.value.seconds
        assert not logins.is_token("wrong", "10.0.0.1")
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert logins.is_token(TOKEN, "10.0.0.2")  # another address is another person
    clock.now += FORGIVEN + 1
    assert not logins.is_token("wrong", "10.0.0.1")
    assert logins.is_token(TOKEN, "10.0.0.1")


def test_the_right_token_clears_what_was_wrong(logins: Logins) -> None:
    for _ in range(3):
        for _ in range(4):
            assert not logins.is_token("wrong", "10.0.0.1")
        assert logins.is_token(TOKEN, "10.0.0.1")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),  # one machine has the whole of a /64
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
    ],
)
def test_one_machine_has_no_second_address(logins: Logins, first: str, second: str, same: bool) -> None:
    for _ in range(5):
        logins.is_token("wrong", first)
    if same:
        with pytest.raises(BlockedError):
            logins.is_token("wrong", second)
    else:
        assert not logins.is_token("wrong", second)


def test_a_login_ends_by_itself(logins: Logins, clock: Clock) -> None:
    used, unused = logins.open(), logins.open()
    clock.now += IDLE - 1
    assert logins.is_open(used)
    clock.now += 2
    assert logins.is_open(used)
    assert not logins.is_open(unused)
    while clock.now < LONGEST - IDLE:
        clock.now += IDLE - 1
        assert logins.is_open(used)
    clock.now = LONGEST
    assert not logins.is_open(used)
    assert not logins.is_open("")


def test_without_a_token_nothing_is_one() -> None:
    assert not Logins(None).is_token("", "10.0.0.1")
    assert not Logins(None).is_open("")
