"""Evaluates a model on held-out rows, and judges it, alone and against the live one.

Rule: TFMA decides (metrics, slices, thresholds); this folder feeds it predictions and
explains its verdict. Everything taken from inside TFMA comes through `private_tfma`.

`evaluate` measures (`measure_models`, one pass by `evaluation_pass`) and writes `findings_file`;
`bless` judges: `metric_thresholds` says of every threshold whether its value met it, and
`blessing_outcome` makes of that whether the model is blessed. `metric_requirements` is what
metrics take for granted of labels, which `label_check` holds the rows against.
"""
