"""Where pass 1 runs, and what is installed there."""
