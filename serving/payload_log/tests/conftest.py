"""Stores of both kinds: files, and databases of a real PostgreSQL."""

from store_locations import location, new_database, new_location, postgresql

__all__ = ["location", "new_database", "new_location", "postgresql"]
