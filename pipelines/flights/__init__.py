"""The example to copy: flights of 2013, will this one arrive more than 15 minutes late?

Rule: `flights_module` and the config files are what a user writes; `prepare`, `traffic`,
`drift_watch` and `demo` are the demonstration around them.
"""
