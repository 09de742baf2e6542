"""Other packages' interfaces over classpulse: scripts that are written for them run with one import changed."""
