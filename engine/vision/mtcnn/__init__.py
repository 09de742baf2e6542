"""MTCNN: three networks in a cascade, each looking closer at what the one before let through."""
