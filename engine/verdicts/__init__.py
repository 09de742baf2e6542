"""Numbers to verdicts: the scored faces of students to evidence, intervals and verdicts; NumPy and SciPy alone."""
