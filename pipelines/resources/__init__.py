"""What each step's pod gets: resources, nodes, credentials, volumes, retries; from one file.

Rule: all is pure but for `settings_of_steps`, which reads the file, and `kfp_task`, which alone
loads kfp; its own functions write the settings down, so that they are named as KFP names them.
"""
