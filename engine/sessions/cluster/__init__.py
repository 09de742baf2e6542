"""Recordings that several machines analyse into one database: queued, worked on, and how far they are."""
