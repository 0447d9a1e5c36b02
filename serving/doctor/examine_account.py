"""Looks at the account of a run: whether it may do what the steps and KFP itself do as it."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kanaria.components.shared.errors import ParameterError, PermissionDeniedError, shown
from kanaria.serving.doctor import access_rights, launcher_secrets
from kanaria.serving.doctor.doctor_report import Finding, State
from kanaria.serving.inference_service.service_check import NAMESPACE, OBJECT_NAME
from kanaria.serving.kubernetes_api import resource_kinds
from kanaria.serving.kubernetes_api.client import KubernetesClient


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A ServiceAccount, in the namespace where the pods of its runs are."""

    namespace: str
    name: str

    @property
    def user(self) -> str:
        """Return what the API server calls it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


def parse(text: str, namespace: str) -> Account:
    """Return the account that `NAME`, in `namespace`, or `NAMESPACE:NAME` stands for.

    Raises:
        ParameterError: it is neither.
    """
    where, _, name = text.rpartition(":")
    where = where or namespace
    if not (NAMESPACE.fullmatch(where) and OBJECT_NAME.fullmatch(name)):
        raise ParameterError(
            f"service_account={shown(text)}: write NAME, or NAMESPACE:NAME where runs are in "
            "another namespace than services"
        )
    return Account(namespace=where, name=name)


def require_reviews(cluster: KubernetesClient, account: Account) -> None:
    """Check that this client may ask what another account may.

    Raises:
        PermissionDeniedError: it may not; the text has the rule.
    """
    try:
        cluster.may("get", resource_kinds.PODS, account.namespace, user=account.user)
    except PermissionDeniedError as error:
        rule = access_rights.Rule(resource=resource_kinds.ACCOUNT_REVIEWS, verbs=("create",))
        raise PermissionDeniedError(
            f"you may not ask what {account.user} may do; add to a ClusterRole of yours: "
            f"{access_rights.as_yaml([rule])}"
        ) from error


def _finding(subject: str, state: State, text: str) -> Finding:
    return Finding(subject=subject, state=state, text=text)


def _exists(cluster: KubernetesClient, account: Account, _: str) -> Finding:
    where = f"ServiceAccount {account.namespace}/{account.name}"
    if cluster.get(resource_kinds.SERVICE_ACCOUNTS, account.namespace, account.name) is None:
        text = f"there is no {where}, so no pod of a run could start; apply manifests/runs there"
        return _finding("account", State.MISSING, text)
    return _finding("account", State.OK, where)


def _rights(cluster: KubernetesClient, account: Account, namespace: str) -> Finding:
    missing = access_rights.missing(cluster, access_rights.delivery(namespace), account.user)
    if missing:
        return _finding("rights", State.MISSING, missing)
    return _finding("rights", State.OK, f"{account.user} may deliver in {namespace}")


def _kfp_rights(cluster: KubernetesClient, account: Account, _: str) -> Finding:
    try:
        names = tuple(name for name, _ in launcher_secrets.secrets(_launcher(cluster, account)))
    except ParameterError:  # The next finding says what is wrong with it.
        names = ()
    secrets = access_rights.Rule(resource=resource_kinds.SECRETS, verbs=("get",), names=names)
    wanted = {account.namespace: (*access_rights.KFP, *([secrets] if names else []))}
    missing = access_rights.missing(cluster, wanted, account.user)
    if missing:
        return _finding("kfp rights", State.MISSING, missing)
    text = f"{account.user} may do what KFP does in a run's pods"
    return _finding("kfp rights", State.OK, text)


def _launcher(cluster: KubernetesClient, account: Account) -> Mapping[str, str]:
    config_map = cluster.get(resource_kinds.CONFIG_MAPS, account.namespace, access_rights.LAUNCHER)
    return dict((config_map or {}).get("data") or {})


def _kfp_store(cluster: KubernetesClient, account: Account, _: str) -> Finding:
    subject = "kfp store"
    if not cluster.serves(resource_kinds.WORKFLOWS):
        return _finding(subject, State.LIMITED, "no Workflow API: KFP is not in this cluster")
    data = _launcher(cluster, account)
    try:
        secrets = launcher_secrets.secrets(data)
    except ParameterError as error:
        where = f"ConfigMap {account.namespace}/{access_rights.LAUNCHER}"
        return _finding(subject, State.MISSING, f"{where}: {error}")
    lacking = [text for one in secrets if (text := _lacking(cluster, account, one))]
    if lacking:
        return _finding(subject, State.MISSING, "; ".join(lacking))
    by = ", ".join(f"Secret {name}" for name, _ in secrets) or "the pods' own credentials"
    return _finding(subject, State.OK, f"pipeline root {launcher_secrets.root(data)}, by {by}")


def _lacking(cluster: KubernetesClient, account: Account, secret: launcher_secrets.Secret) -> str:
    """Return what a store's Secret lacks, "" for nothing."""
    name, keys = secret
    where = f"Secret {account.namespace}/{name}"
    stored = cluster.get(resource_kinds.SECRETS, account.namespace, name)
    if stored is None:
        return f"there is no {where} with the store's credentials"
    values = {key: base64.b64decode((stored.get("data") or {}).get(key, "")) for key in keys}
    if absent := [key for key, value in values.items() if not value]:
        return f"{where} has no value for {' and '.join(absent)}"
    # KFP takes a value as it is; a line's end, as `echo` writes it, makes another key of it.
    padded = [key for key, value in values.items() if value != value.strip()]
    return f"{where} has white space around {' and '.join(padded)}" if padded else ""


Check = Callable[[KubernetesClient, Account, str], Finding]
CHECKS: dict[str, Check] = {
    "account": _exists,
    "rights": _rights,
    "kfp rights": _kfp_rights,
    "kfp store": _kfp_store,
}
