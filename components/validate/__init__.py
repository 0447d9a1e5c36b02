"""Statistics, schema and anomalies of every split; and what drifted from the live release.

The second is a step of its own, so that the first is reused whatever is live.

Rule: these steps judge, so they succeed whatever they find; the step after them refuses. Private
names of TFDV are imported in `private_tfdv` and nowhere else.
"""
