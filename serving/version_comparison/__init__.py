"""Sets two versions of a service side by side: what each answered, pair by pair, and their labels.

No statistics of drift: those test one version's rows against a reference, in `drift` and
`drift_watch`. A rollout's gates ask for these totals.

Rule: `store_comparisons` alone reads the store, as far as it has not read it before; all else is
pure. A comparison is kept in memory and nowhere else: after a restart it is made of the store
again.
"""
