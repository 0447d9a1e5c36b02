"""The detectors: does a window of rows look like the reference? One a file, one result record.

Pure statistics, used by the steps of pipelines and by `drift_watch`, which runs them on live
traffic.

    room            detectors that
    --------------  ---------------------------------------------------------------
    univariate      test one feature after the other
    multivariate    test all features together
    model_outputs   test a classifier's answers
    online          look at one row at a time, and promise how seldom they err
    outliers        look for single rows unlike all of the reference
    alibi           are Alibi Detect's: its artefacts, and itself
    table_detector  the usual one: numbers, categories and missing values of a mixed table

`detector_registry` knows them all by their kind, `detector_choice` reads how somebody names one,
`saved_detector` keeps one on disk, `references` are what they keep of rows, `report_records` what
is kept of results, `report` shows it, `image_features` makes columns of images for all of them.

Rule: a detector is a frozen record of settings. `fit` makes a reference, `test` compares a window
with it; both are pure. Only `saved_detector` and `alibi` touch files. scipy and scikit-learn take
seconds to load, so they are imported where they compute: importing this package loads numpy at
most.
"""
