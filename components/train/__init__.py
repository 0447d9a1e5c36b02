"""train_model: the user's run_fn becomes a model that loads and answers with finite numbers.

Rule: the user's code is called in one place (`run_fn_call`); `data_accessor` feeds it, `export`
saves its signatures, `check_model` doubts what it saved with the rows of `signature_feeds`, and
`diagnosis` names the cause. `base_model` finds what to start from, `model_run` is where logs and
checkpoints live, and `checkpoints` is for users to import. Private names of TensorFlow are in
`private_tensorflow` and nowhere else.

Several workers: `worker_supervisor` starts them on this machine and watches them, each as a
`supervised_worker`; `local_worker` is what such a process runs, `pod_worker` what a cluster's pod
runs; `worker_cluster` reads and writes the TF_CONFIG that joins them.
"""
