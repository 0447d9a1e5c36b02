"""The pipeline that rolls out what is staged at a service."""
