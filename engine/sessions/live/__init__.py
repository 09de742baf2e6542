"""Sessions that are seen while they happen: cameras that are watched, and labels shown at once."""
