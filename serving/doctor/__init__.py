"""What a cluster has and lacks for delivery; reads only, and changes nothing.

Rule: what the account may not see is "unknown", never an error.
"""
