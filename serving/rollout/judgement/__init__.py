"""The statistics of a rollout: peek-safe bets and confidence sequences, and the gates on them.

Rule: pure, from counts to findings; nothing here knows a policy or decides over traffic.
"""
