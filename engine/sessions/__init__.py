"""Sessions in a database: analysed, tracked, judged, corrected and validated."""
