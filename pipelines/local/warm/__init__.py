"""The warm training process: TensorFlow is imported once a run, beside the steps that need none.

Rule: `host` imports what computing steps need, runs nothing of it, and forks a process for every
order; `forked` is what such a fork does: run kfp's executor as a fresh process would. Only the fork
loads the user's code, so no run sees another's. `client` orders from the runner's side, and
`choice` says which tasks may be ordered. The forks end with the runner and with the host.

A fork that ends by a signal, or that hangs (`silence`), is run again as a fresh process.
"""
