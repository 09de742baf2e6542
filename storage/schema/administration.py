"""Tables of the whole database: profiles of settings, rules, and who ran which command."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from storage.schema.definitions import count, metadata, one_of, real, words

OUTCOMES = ("done", "failed", "stopped")

profiles = Table(
    "profiles",
    metadata,
    Column("name", Text, primary_key=True, comment="the profile's name"),
    words("settings", "what `judge --profile` judges with, JSON"),
    words("origin", "how it was fitted, and what that is worth"),
    # No foreign key: what was fitted outlives the session.
    words("sha256", "of the recording that was coded, hexadecimal"),
    count("coders", "people who coded it"),
    count("students", "students coded"),
    count("intervals", "coded intervals with a code of most coders"),
    real("kappa_before", 4, "Cohen's kappa of the settings as they were, -1 to 1; NULL: undefined", nullable=True),
    real(
        "kappa_in", 4, "of the profile, on the codes that it was fitted on, -1 to 1; NULL: undefined", nullable=True
    ),
    real("kappa_out", 4, "of the fit, on students left out of it in turn, -1 to 1; NULL: undefined", nullable=True),
    words("made", "when, UTC, ISO 8601"),
    comment="settings of judging under a name, fitted on the codes of people",
    sqlite_with_rowid=False,
)

rules = Table(
    "rules",
    metadata,
    Column("rule", Text, primary_key=True, comment="retention: how many days a session may be kept"),
    words("value", "what is set"),
    comment="what is set for the whole database",
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    metadata,
    Column("entry", Integer, primary_key=True, comment="1, 2, ... in the order in which they were noted"),
    words("at", "when the command ended, UTC, ISO 8601"),
    words("who", "name of the user at the operating system"),
    words("command", "analyze, query, rename, ..."),
    # No foreign key: the entry of a forgotten session stays.
    Column("session_id", Integer, comment="the session it was about; NULL: several, all or none"),
    words("arguments", "what was given, JSON, with numbers of people for names and without the texts in SQL"),
    words("outcome", "done, failed or stopped"),
    one_of("outcome", OUTCOMES),
    comment="who ran which command on what",
    sqlite_autoincrement=True,
)
