"""One live page of one machine: what is served, how well, what drifts, and the rollout under way.

Rule: what servers tell becomes the page in pure functions on frozen dataclasses; `live_sources`
alone asks and reads, `live_page` alone remembers, `live_server` alone answers browsers. Nothing
here changes anything: whoever looks starts and decides nothing.
"""
