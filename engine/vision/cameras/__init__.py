"""Cameras and other live streams: connected to for as long as they are watched, their newest picture given."""
