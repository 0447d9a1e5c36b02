"""What a rollout did, told to people and machines: a page, a summary, lines for a terminal.

Rule: everything is worked out from the policy and the record by `record.replay`; nothing is read,
written or looked up, so a page made again from the same record is the same, byte for byte.
"""
