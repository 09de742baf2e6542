"""Measured against peers, side by side in one run; each module is one `make bench*` target."""
