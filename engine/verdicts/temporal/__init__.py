"""Verdicts from the order of faces: moods last, so a face says something of those before and after it."""
