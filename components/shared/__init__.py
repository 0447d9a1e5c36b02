"""What more than one step or server uses; the lowest layer of the house.

Rule: standard library, numpy and pyarrow types at most. Nothing here imports kfp,
kubernetes, tensorflow, Beam or another part of Kanaria.
"""
