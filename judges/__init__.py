"""Judges: rule checks, similarity to a reference, human ratings, and language-model judges."""
