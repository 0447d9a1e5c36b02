"""What a search by Katib is, for who plans it, who runs one trial, and who reads the result.

Rule: pure, and of the standard library; the planner alone knows KerasTuner, the launcher alone the
cluster.
"""
