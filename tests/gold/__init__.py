"""Grades of openly licensed articles, from which the packaged weights were learned beside others."""
