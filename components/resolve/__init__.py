"""resolve_span, resolve_deployed: the steps that read the world, and are never cached.

Rule: each returns one string that names its content completely, so that what follows can be
cached on it.
"""
