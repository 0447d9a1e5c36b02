"""What starts a training: events come in, are kept, decided on, and start runs of pipelines.

Rule: nothing here knows how a run is started; `starter` says what is asked of whoever does, and
`kanaria.pipelines.triggers` does it. An event is answered only after it is in the store, and what
becomes of it (`trigger_states`) moves in the store alone, so that a process may end between any two
lines.
"""
