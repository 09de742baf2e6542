"""A drawn classroom with exact truth: who sits where, shows what and is hidden when; for the demo and the tests."""
