"""Who has shown the token: wrong tries are limited by address, and a login is a random number that ends."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from engine.errors import UsageError

#: Delay of the answer to a wrong token, s.
PENALTY = 1.0
#: Wrong tries of an address before it has to wait, and how long then, s; twice as long after every further one.
FREE_TRIES, FIRST_WAIT, LONGEST_WAIT = 5, 30.0, 3600.0
#: After so long without a wrong try an address begins anew, s.
FORGIVEN = 2 * LONGEST_WAIT
#: A login ends after so long without a request, and in any case after a day of lessons, s.
IDLE, LONGEST = 2 * 3600.0, 12 * 3600.0
#: Addresses with wrong tries, and logins, in memory; the oldest go first.
MOST = 10_000


class BlockedError(UsageError):
    """Too many wrong tries from an address."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many wrong tokens from this address; try again in {seconds:.0f} s")
        self.seconds = seconds


class Logins:
    """The token's guard and the logins of one server; a restart ends them all."""

    def __init__(self, token: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = token
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # tries, time of the last
        self._open: OrderedDict[str, tuple[float, float]] = OrderedDict()  # began, last request; by digest

    def is_token(self, text: str, address: str) -> bool:
        """Whether `text` is the token, compared in constant time; a wrong one counts against the `address`.

        Raises BlockedError, without comparing anything, while the address has to wait.
        """
        if self._token is None:
            return False
        key = network(address)
        with self._lock:  # also of parallel tries only the first few are compared
            tries, last = self._wrong.get(key, (0, 0.0))
            now = self._clock()
            if now - last > FORGIVEN:
                tries = 0
            if tries >= FREE_TRIES and (left := last + _wait(tries) - now) > 0:
                raise BlockedError(left)
            if hmac.compare_digest(text.encode("utf-8", "replace"), self._token.encode()):
                self._wrong.pop(key, None)
                return True
            tries += 1
            self._wrong[key] = tries, now
            self._wrong.move_to_end(key)
            if len(self._wrong) > MOST:
                self._wrong.popitem(last=False)
        then = f"; the next in {_wait(tries):.0f} s" if tries >= FREE_TRIES else ""
        logging.getLogger("classpulse.web").warning("wrong token from %s (%d in a row%s)", key, tries, then)
        return False

    def open(self) -> str:
        """A new login; returns the value of its cookie, of which only a digest stays here."""
        value = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._open[_digest(value)] = now, now
            if len(self._open) > MOST:
                self._open.popitem(last=False)
        return value

    def is_open(self, value: str) -> bool:
        """Whether the value is that of a login that has not ended."""
        key = _digest(value)
        with self._lock:
            began, last = self._open.get(key, (-LONGEST, -LONGEST))
            now = self._clock()
            if now - began >= LONGEST or now - last >= IDLE:
                self._open.pop(key, None)
                return False
            self._open[key] = began, now
            return True

    def close(self, value: str) -> None:
        """End a login."""
        with self._lock:
            self._open.pop(_digest(value), None)


def _wait(tries: int) -> float:
    return float(min(FIRST_WAIT * 2.0 ** min(tries - FREE_TRIES, 20), LONGEST_WAIT))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def network(address: str) -> str:
    """The address; of IPv6 the first 64 bits, since one machine has all addresses that begin so."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
