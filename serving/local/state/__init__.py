"""The state folder: what is applied, what came of it, who serves it and who uses the server.

Rule: `state_folder` alone reads and writes the folder; what it holds is checked and is pure data.
"""
