"""Starts etcd, the API server, its controllers, the scheduler and the cluster's name service."""

from control_plane.certificates import Authority, new_authority, write_key
from control_plane.layout import (
    API_SERVICE_ADDRESS,
    CERTIFICATES,
    KUBECONFIG,
    NODE_ADDRESS,
    NODE_NAME,
    SERVICE_NETWORK,
    STATE,
)
from control_plane.objects import kubectl
from control_plane.processes import start, wait

NODE_KUBECONFIG = STATE / "node.kubeconfig"

_ETCD = "http://127.0.0.1:2379"
_ETCD_PEERS = "http://127.0.0.1:2380"
_PORT = 6443
_API_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "127.0.0.1",
    NODE_ADDRESS,
    API_SERVICE_ADDRESS,
)


def certify() -> Authority:
    """Write the certificates and kubeconfigs of the control plane and of its node."""
    authority = new_authority(CERTIFICATES, "ca")
    authority.issue("apiserver", common_name="kube-apiserver", hosts=_API_NAMES)
    authority.issue("apiserver-client", common_name="kube-apiserver", group="system:masters")
    authority.issue("admin", common_name="admin", group="system:masters")
    node = f"system:node:{NODE_NAME}"
    authority.issue("node", common_name=node, group="system:nodes", hosts=(NODE_NAME, NODE_ADDRESS))
    proxy = new_authority(CERTIFICATES, "proxy-ca")
    proxy.issue("proxy", common_name="front-proxy")
    write_key(CERTIFICATES / "tokens.key", CERTIFICATES / "tokens.pub")
    authority.write_kubeconfig(KUBECONFIG, "admin")
    authority.write_kubeconfig(NODE_KUBECONFIG, "node")
    return authority


def start_api() -> None:
    """Start etcd and the API server, and wait until it is ready."""
    start("etcd", _etcd_flags())
    start("kube-apiserver", _api_server_flags())
    wait("kube-apiserver", lambda: kubectl("get", "--raw=/readyz") == "ok")


def start_controllers() -> None:
    """Start what makes objects come true: controllers, scheduler, name service."""
    common = [f"--kubeconfig={KUBECONFIG}", "--leader-elect=false", "--bind-address=127.0.0.1"]
    start(
        "kube-controller-manager",
        [
            *common,
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={CERTIFICATES}/tokens.key",
            f"--root-ca-file={CERTIFICATES}/ca.crt",
            f"--cluster-signing-cert-file={CERTIFICATES}/ca.crt",
            f"--cluster-signing-key-file={CERTIFICATES}/ca.key",
        ],
    )
    start("kube-scheduler", common)
    start("cluster-dns", [KUBECONFIG, f"{NODE_ADDRESS}:53"])


def _etcd_flags() -> list[str]:
    return [
        "--name=etcd",
        f"--data-dir={STATE}/etcd",
        # Nothing has to outlive the sandbox.
        "--unsafe-no-fsync",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_ETCD_PEERS}",
        f"--initial-advertise-peer-urls={_ETCD_PEERS}",
        f"--initial-cluster=etcd={_ETCD_PEERS}",
        "--log-level=warn",
    ]


def _api_server_flags() -> list[str]:
    return [
        f"--etcd-servers={_ETCD}",
        f"--advertise-address={NODE_ADDRESS}",
        f"--secure-port={_PORT}",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        "--allow-privileged=true",
        "--authorization-mode=Node,RBAC",
        f"--client-ca-file={CERTIFICATES}/ca.crt",
        f"--tls-cert-file={CERTIFICATES}/apiserver.crt",
        f"--tls-private-key-file={CERTIFICATES}/apiserver.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={CERTIFICATES}/tokens.pub",
        f"--service-account-signing-key-file={CERTIFICATES}/tokens.key",
        f"--kubelet-client-certificate={CERTIFICATES}/apiserver-client.crt",
        f"--kubelet-client-key={CERTIFICATES}/apiserver-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={CERTIFICATES}/proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={CERTIFICATES}/proxy.crt",
        f"--proxy-client-key-file={CERTIFICATES}/proxy.key",
        # Services of webhooks are resolved to endpoints, so they need no kube-proxy.
        "--enable-aggregator-routing=true",
    ]
