"""Identities: faces to tracks, tracks to students. A leaf: arrays in, arrays out, no imports of the project."""
