"""Does a window of served rows look like the reference? One detector a file, one result record.

    file                       asks                                     of
    ------------------------   --------------------------------------   ----------------------
    kolmogorov_smirnov         largest difference of distributions      each number
    cramer_von_mises           their mean squared difference            each number
    chi_squared                shares of categories                     each category column
    fisher_exact               share of ones, exactly                   each column of 0 and 1
    missing_values             shares of rows without a value           each column
    jensen_shannon             distance over bins, from 0 to 1          a mixed table
    population_stability       the index of credit scoring              a mixed table
    wasserstein                how far the values moved                 each number
    maximum_mean_discrepancy   any difference of distributions          all numbers together
      ..._fourier              the same for many rows, seeing less      all numbers together
    least_squares_density_     any difference of densities              all numbers together
      difference
    table                      the two and shares of missing values     a mixed table
    domain_classifier          whether a model tells them apart         a mixed table
    black_box_shift            answers of a classifier                  its probabilities
    uncertainty                how sure it is of them                   its probabilities

`online` has detectors that look at one row at a time, `outliers` those that look for single rows;
`images` makes columns of images for all of them.

Rule: a detector is a frozen record of settings. `fit` makes a reference, `test` compares a window
with it; both are pure. Only `saved`, `files` and `alibi` touch files. scipy and scikit-learn take
seconds to load, so they are imported where they compute: importing this package loads numpy at
most.
"""
