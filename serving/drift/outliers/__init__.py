"""Which rows are unlike all rows of the reference? One detector a file.

    file                 asks                                           of
    ------------------   --------------------------------------------   -----------------------
    mahalanobis          distance from the mean, in its own covariance   all numbers together
    isolation_forest     how few random cuts set a row apart             all numbers together

Rule: a detector is a frozen record of settings, `fit` makes a reference that merges, and `score`
and `outliers` are pure. A share `flag_share` of rows without drift is flagged, so the share in a
window, which comes with its interval, is what alarms; a single flagged row is not.
scikit-learn and scipy are imported where they compute. Nothing is pickled.
"""
