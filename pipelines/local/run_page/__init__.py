"""The page of a run: what goes on or what came of it, and the pages that its Markdown becomes.

Rule: everything is worked out from the run's record; only `write` touches files. The page is
written at every change of a task, so it carries no library of charts: its graph is drawn here.
"""
