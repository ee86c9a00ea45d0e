"""The schema's history: numbered files, applied in order by `models.migrate`, never edited once released.

Each is independent of `models.tables`, which shows the newest schema only.
"""
