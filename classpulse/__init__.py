"""Classroom footage in; a verdict for every student and the class out, with its evidence, in one SQL database."""
