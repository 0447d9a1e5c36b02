"""train_model: the user's run_fn becomes a model that loads and answers with finite numbers.

Rule: the user's code is called in one place (`train`); `data_accessor` feeds it, `export` saves
its signatures, `check_model` doubts what it saved with the rows `feeds` gives, and `diagnosis`
names the cause. `base_model` finds what to start from, `model_run` is where logs and checkpoints
live, and `checkpoints` is for users to import. Private names of TensorFlow are in
`private_tensorflow` and nowhere else.
"""
