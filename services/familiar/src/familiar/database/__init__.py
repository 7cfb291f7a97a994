"""The database: the one truth. ``engine`` opens it, ``schema`` names the tables, one module per noun asks and changes.

The functions of the nouns take a session and belong to the caller's transaction; they never commit.
"""

from familiar.database.engine import Database

__all__ = ["Database"]
