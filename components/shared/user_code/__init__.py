"""A user's module: what it imports, its archive, and loading it.

Rule: nothing of a user's code is executed but by `user_module`.
"""
