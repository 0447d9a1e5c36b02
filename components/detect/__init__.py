"""fit_drift_detector and detect_drift: training rows and served rows compared by the same code.

Rule: what drift is stands in `kanaria.serving.drift`; these steps turn examples into its columns.
"""
