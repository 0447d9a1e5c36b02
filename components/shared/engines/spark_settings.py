"""What a user says of Spark, checked and completed. Pure."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import shown

MASTER = "spark.master"
IMAGE = "spark.kubernetes.container.image"
KUBERNETES = "k8s://"
STANDALONE = "spark://"
_SECRET = re.compile(r"(?i)secret|password|token|access[.]?key|credential")
"""Names that Spark itself hides, by spark.redaction.regex."""
_NAMES_OF_SECRETS = re.compile(r"(?i)secretKeyRef\.|\.secrets\.|file$|path$|enabled$|provider$")
"""Names that say where a secret is, or whether there is one."""
_LOCAL = re.compile(r"local(\[(\*|\d+)(,\d+)?\])?$")
_COMMON = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}


def check(settings: Mapping[str, str], where: str, faults: Faults) -> None:
    """Add what is wrong with Spark's settings.

    Args:
        settings: Spark's names -> values; none is asked of a cluster.
        where: what the mapping is called in an error.
        faults: gets everything that is wrong; no value of a secret is in it.
    """
    for name in settings:
        if not name.startswith("spark."):
            faults.add(f"{where}.{name}: no setting of Spark's; they begin with spark.")
        elif _SECRET.search(name) and not _NAMES_OF_SECRETS.search(name):
            faults.add(
                f"{where}.{name}: a secret is seen by all who see the run; put it into a file "
                "spark-defaults.conf, mounted into the step, and its folder into SPARK_CONF_DIR"
            )
    if "spark.executor.pyspark.memory" in settings:
        faults.add(
            f"{where}.spark.executor.pyspark.memory limits addresses and not memory, of which "
            "TensorFlow reserves more than it uses; set spark.executor.memoryOverhead"
        )
    if MASTER in settings:
        _check_master(settings, where, faults)


def _check_master(settings: Mapping[str, str], where: str, faults: Faults) -> None:
    master = settings[MASTER]
    is_master = (
        master.startswith((STANDALONE, KUBERNETES)) or _LOCAL.match(master) or master == "yarn"
    )
    remedy = "use spark://host:7077, k8s://https://host:port, yarn, or local[2] on this machine"
    if master.startswith("sc://"):
        remedy = "Spark Connect runs no code of ours; name the master: spark://host:7077 or k8s://"
    faults.check(bool(is_master), f"{where}.{MASTER}", master, remedy)
    if is_master and master.startswith((STANDALONE, KUBERNETES)):
        has_port = master.startswith(KUBERNETES) or all(port for _, port in addresses(master))
        faults.check(has_port, f"{where}.{MASTER}", master, "name its port, as spark://host:7077")
    if master.startswith(KUBERNETES):
        faults.check(
            IMAGE in settings,
            f"{where}.{IMAGE}",
            settings.get(IMAGE, ""),
            "name the image of the executors, which holds Kanaria and Spark",
        )


def addresses(master: str) -> list[tuple[str, int]]:
    """Return host and port of each master that the URL names; none for one that has no address.

    A port that is not there is 0, but for Kubernetes, whose ports are those of its scheme.
    """
    if master.startswith(KUBERNETES):
        rest = master.removeprefix(KUBERNETES)
        parts = urlsplit(rest if "://" in rest else f"https://{rest}")
        usual = 80 if parts.scheme == "http" else 443
        return [(parts.hostname or "", _port(parts.netloc) or usual)]
    if not master.startswith(STANDALONE):
        return []
    hosts = master.removeprefix(STANDALONE).split(",")
    return [(urlsplit(f"//{host}").hostname or "", _port(host)) for host in hosts]


def _port(netloc: str) -> int:
    match = re.search(r":(\d{1,5})$", netloc)
    return int(match.group(1)) if match else 0


def completed(settings: Mapping[str, str], step: str, pod: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with what a step's session needs besides; what the user says stays.

    Args:
        settings: the user's.
        step: name of the step, which the cluster's pages show.
        pod: of the step's own pod: `name`, `address` and `namespace`; {} outside a cluster.
    """
    own = {"spark.app.name": f"kanaria-{step}", **_COMMON}
    if settings[MASTER].startswith(KUBERNETES) and pod:
        own |= {
            "spark.kubernetes.driver.pod.name": pod["name"],
            "spark.driver.host": pod["address"],
            "spark.kubernetes.namespace": pod["namespace"],
        }
    return {**own, **settings}


def shown_master(settings: Mapping[str, str]) -> str:
    """Return the master for a log, without what a URL may carry of a password."""
    return shown(re.sub(r"//[^/@]*@", "//", settings[MASTER]))
