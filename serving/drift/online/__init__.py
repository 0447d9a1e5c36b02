"""Does a stream of rows begin to look unlike the reference? One row at a time, one detector a file.

    file                              looks at                              of
    -------------------------------   -----------------------------------   -------------------
    online_cramer_von_mises           ranks in several newest windows       each number
    online_fisher_exact               the share of ones in them             each column of 0, 1
    online_maximum_mean_discrepancy   the newest window of whole rows       all numbers
    page_hinkley                      sums of deviations from the mean      each number
    adaptive_window                   means at both sides of cuts (ADWIN)   each number

Rule: all promise how many rows pass between false alarms (`expected_run_time`), except
`adaptive_window`, which bounds the chance of one at each look. A detector is a frozen record of
settings; `fit` makes a reference, `start` finds thresholds by simulation, `update` takes a state
to the next. All are pure, and a stream cut anywhere gives the same alarms. `stream_window`
makes of a window a result like all others, `stream_memory` bytes of a state. Imports no scipy or
river before they compute.
"""
