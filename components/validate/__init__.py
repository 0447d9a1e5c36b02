"""validate_data: statistics, schema and anomalies of every split, and a verdict.

Rule: this step judges, so it succeeds whatever it finds; `require_passed` stops the run. Private
names of TFDV are imported in `private_tfdv` and nowhere else.
"""
