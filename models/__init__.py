"""What Wirewatch keeps, and every question to it.

``from models import open_database, catalog`` is the door for programs and notebooks.
"""

from models.database import Database, open_database

__all__ = ["Database", "open_database"]
