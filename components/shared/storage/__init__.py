"""Files and folders by URI, and the stores behind them: this machine, S3, Google Cloud Storage.

Rule: `uri_files` is what others read and write by. A client library is imported when the first URI
of its scheme is used, never before; its errors and its types end in its module.
"""
