"""A drawn classroom with exact ground truth (places, moods, occlusion), for the demo and the tests."""
