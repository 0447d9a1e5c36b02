"""The account of a run: which ServiceAccount its pods have, and why that one.

given    in the run's namespace   the run has
-------  -----------------------  ------------------------------------------------------------
a name   there, or not known      that account
a name   not there                that account, and it is said: another cluster may be meant
nothing  `kanaria-pipeline`       `kanaria-pipeline`, the manifests' account
nothing  without it, not known    KFP's own account, as from every client that names none
""       any                      KFP's own account
"""

from dataclasses import dataclass

from kanaria.components.shared.errors import (
    NotReadyError,
    ParameterError,
    PermissionDeniedError,
    shown,
)
from kanaria.serving.inference_service.service_check import OBJECT_NAME

USUAL = "kanaria-pipeline"
"""Of manifests/runs."""
KFP_NAMESPACE = "kubeflow"
"""Where runs are on a server without profiles, as its manifests install it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The account of a run; `name` is "" for KFP's own. As text it says which, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        """Return it as the commands show it."""
        return f"{self.name or 'the one of KFP'} ({self.reason})"


def chosen(account: "str | Account | None", namespace: str = "") -> Account:
    """Return the account of a run.

    Args:
        account: name of a ServiceAccount in the run's namespace; "" for KFP's own, None for that of
            the manifests where it exists, else KFP's own; what this function returned is kept.
        namespace: of the run; "" for that of a server without profiles.

    Raises:
        ParameterError: it cannot be the name of an account.
    """
    if isinstance(account, Account):
        return account
    if account == "":
        return Account(name="", reason="as asked for")
    if account is not None and not OBJECT_NAME.fullmatch(account):
        raise ParameterError(
            f"service_account={shown(account)}: name a ServiceAccount: lower-case letters, digits, "
            "'-' and '.'"
        )
    namespace = namespace or KFP_NAMESPACE
    is_there, cause = _is_there(account or USUAL, namespace)
    return _named(account, namespace, is_there) if account else _usual(namespace, is_there, cause)


def _named(name: str, namespace: str, is_there: bool | None) -> Account:
    if is_there is False:
        reason = f"as named, but {_absent(name, namespace)}: no pod of the run could start there"
        return Account(name=name, reason=reason)
    return Account(name=name, reason="as named")


def _usual(namespace: str, is_there: bool | None, cause: str) -> Account:
    if is_there:
        return Account(name=USUAL, reason=f"namespace {namespace} has it")
    if is_there is False:
        return Account(name="", reason=_absent(USUAL, namespace))
    reason = f"no cluster could be asked for {USUAL}; --service-account names one; {cause}"
    return Account(name="", reason=reason)


def _absent(name: str, namespace: str) -> str:
    return f"namespace {namespace} has no ServiceAccount {name}"


def _is_there(name: str, namespace: str) -> tuple[bool | None, str]:
    """Tell whether the cluster at hand has the account; None and the cause if it does not tell."""
    # The client of Kubernetes takes half a second to load.
    from kanaria.serving.kubernetes_api.client import KubernetesClient
    from kanaria.serving.kubernetes_api.resource_kinds import SERVICE_ACCOUNTS

    try:
        cluster = KubernetesClient.connect(patient=False)
        return cluster.get(SERVICE_ACCOUNTS, namespace, name) is not None, ""
    except (NotReadyError, PermissionDeniedError) as error:
        return None, str(error)
