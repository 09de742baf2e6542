"""Addresses of databases: read with any password in them, and shown without."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from sqlalchemy import URL, make_url


def parse_url(text: str) -> URL:
    """The parts of `postgresql://user:password@host/database?option=value`.

    User and password may hold any sign, as they are or percent-encoded: the last @ before the options ends them.
    Raises sqlalchemy.exc.ArgumentError for a text that is no address.
    """
    scheme, colon, rest = text.partition("://")
    head, mark, options = rest.partition("?")
    if "@" in options and re.search(r":[^/]*\D", head) and "@" not in head and "/" not in head:
        head, mark, options = rest, "", ""  # the ? is the password's: what it follows is neither a port nor a path
    login, at, place = head.rpartition("@")
    user, separator, password = login.partition(":")
    login = f"{_encoded(user)}{separator}{_encoded(password)}"
    return make_url(f"{scheme}{colon}{login}{at}{place}{mark}{options.replace('@', '%40')}")


def shown(url: URL) -> str:
    """The address for messages: without its driver, and *** for every password in it."""
    secret = {name: "***" for name in url.query if "password" in name}
    text = url.update_query_dict(secret).render_as_string(hide_password=True)
    return re.sub(r"\+\w+(?=://)", "", text)


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="")
