"""The private names of kfp.Client that submissions need; kfp itself is not imported."""

from typing import Any


def interface_address(client: Any) -> str:
    """Return the address of the server's pages: KF_PIPELINES_UI_ENDPOINT, else the host's."""
    return str(client._get_url_prefix())


def run_service(client: Any) -> Any:
    """Return the generated client of the server's runs, which can do what kfp.Client cannot."""
    return client._run_api


def health_service(client: Any) -> Any:
    """Return the generated client that asks for the server's health."""
    return client._healthz_api
