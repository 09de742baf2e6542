"""Pixels to faces: recordings are decoded, faces detected, scored and measured."""
