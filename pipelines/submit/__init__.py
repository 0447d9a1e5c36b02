"""Sends compiled pipelines to a Kubeflow Pipelines server: once, or on a schedule.

Rule: only `connection` and `kfp_client` import kfp; `cron`, `run_snapshot` and `pipeline_package`
are pure; `options` is the command line and loads the rest when a command is called.
"""
