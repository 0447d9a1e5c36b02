"""What goes over the wire, read and written in one place: payload events, bodies, tensors, names.

Rule: nothing here knows who sends or receives. It is pure, and imports of Kanaria the shared layer
alone.
"""
