"""Classes without polarity: a window is what most of its evidence is for, and the verdict is that class's name."""
