"""What each step's pod gets: resources, nodes, credentials, volumes, retries; from one file.

Rule: all is pure but for `resources`, which reads the file, and `task`, which alone loads kfp; its
own functions write the settings down, so that they are named as KFP names them.
"""
