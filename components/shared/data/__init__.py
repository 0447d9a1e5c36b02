"""Rows and the files they lie in: CSV apart, every format that more than one step reads or writes.

Rule: numpy, Arrow and the coders of tf.Example; what a file means for a step is the step's.
"""
