"""Export of sessions: files for statistics and annotation software."""
