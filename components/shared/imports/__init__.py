"""Which modules a process imports: large libraries without what no step uses of them.

`lazy` puts off a module until something of it is used; `stand_ins` reads a library's own modules
without the frameworks they name; `training` knows TensorFlow, TFT and TFMA.
"""
