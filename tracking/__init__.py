"""Who is who: faces to tracks, tracks to students. A leaf: arrays in, arrays out."""
