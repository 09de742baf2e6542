"""What is told of a lesson while a camera is watched: lines, messages to other programs, timetables."""
