"""Tells Arrow of pandas, which has just been imported. Works by being imported."""

import pyarrow as pa

PANDAS = pa.lib._pandas_api.pd
"""The module pandas; to ask Arrow for it makes Arrow look again."""
