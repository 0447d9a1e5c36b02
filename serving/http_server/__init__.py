"""What every HTTP server of ours is made of: who may ask, bounds on what comes, beginning and end.

Rule: nothing here knows what a server is for, nor any of its routes.
"""
