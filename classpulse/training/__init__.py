"""Training: a scorer for a user's own classes, from a CSV of labels and their images."""
