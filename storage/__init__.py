"""What is kept: one SQL database of sessions, faces, students and verdicts."""
