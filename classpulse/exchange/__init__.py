"""A session for other programs: files that statistics and annotation software read."""
