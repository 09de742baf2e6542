"""Files of annotation software: ELAN, BORIS, Praat and WebVTT, read and written as tiers of timed texts."""
