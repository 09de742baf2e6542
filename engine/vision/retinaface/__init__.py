"""The RetinaFace detector: its network, and where in an image it is run."""
