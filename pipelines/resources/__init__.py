"""What each step's pod gets: resources, nodes, credentials, volumes, retries; from one file.

Rule: `settings`, `checks`, `quantities` and `merging` are pure; only `task` loads kfp, whose own
functions write the settings down, so that they are named as KFP names them.
"""
