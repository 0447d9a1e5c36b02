"""The stores behind `kanaria.components.shared.storage`: folders of this machine, S3, GCS.

Rule: only `storage` is imported from elsewhere. A client library is imported when the first URI
of its scheme is used, never before; its errors and its types end in its module.
"""
