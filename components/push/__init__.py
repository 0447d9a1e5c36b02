"""push_model: a blessed model becomes a release, and the release a canary revision.

Rule: `publish_release` writes releases, `model_standing` decides and is pure, `push` is the order
of things. What is already done is not done again, so a killed push is simply run again.
"""
