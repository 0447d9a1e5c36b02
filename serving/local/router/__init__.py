"""One port for all services: takes requests within bounds and hands them to a revision.

Rule: no client waits for a copy to a shadow, nor for the payload log.
"""
