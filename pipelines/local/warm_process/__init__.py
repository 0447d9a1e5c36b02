"""The warm training process: TensorFlow is imported once a run, beside the steps that need none.

Rule: `fork_server` is that process: it imports what computing steps need (`step_imports`), runs
nothing of it, and forks a process for every order; `forked_step` is what such a fork does: run
kfp's executor as a fresh process would. Only the fork loads the user's code, so no run sees
another's. The forks end with the runner and with the server.

On the runner's side `forkable_tasks` says which tasks may be forked, `process_of_run` starts the
process for a run and ends it, `client` orders from it, and `messages` is what the two say to each
other. A fork that ends by a signal, or that hangs (`hang_detector`), is run again as a fresh
process.

A process that outlives its run listens (`listener`) at a socket in `socket_folder`, named by what
it has imported (`process_identity`); `process_reuse` finds it for the next run, or ends it.
"""
