"""What a staged revision must show at 0 % of the traffic before it gets its share.

Rule: what is right is decided by pure functions over facts; `cluster_facts` and `revision_calls`
alone ask the world. A check that could not look is skipped and says so, it never passes.
"""
