"""`make bench-footage`: recordings as people have them, made from one, and what is found in each."""
