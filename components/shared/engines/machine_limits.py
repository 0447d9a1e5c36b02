"""What this process may use of its machine: a container's limits count before the machine's."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
_UNLIMITED = 2**60
"""Control groups of the first version say about 2**63 where there is no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Bytes of memory and cores, of which a container may have less than its machine."""

    memory: int
    cores: int


def machine(cgroups: Path = CGROUPS, proc: Path = PROC) -> Machine:
    """Return what this process may use, by its control groups, its affinity and the machine."""
    groups = list(_groups(cgroups, proc))
    limits = [limit for group in groups for limit in _memory_limits(group)]
    quotas = [quota for group in groups for quota in _cpu_quotas(group)]
    total = _total(proc / "meminfo")
    cores = float(len(os.sched_getaffinity(0)))
    return Machine(memory=min([total, *limits]), cores=max(1, int(min([cores, *quotas]))))


def _groups(cgroups: Path, proc: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups and of all above them."""
    for line in (proc / "self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        roots = [cgroups / name for name in controllers.split(",")] if controllers else [cgroups]
        for root in roots:
            inner = root / path.lstrip("/")
            # In a container the path may be that of the machine, where nothing is to be seen.
            yield from (one for one in (inner, *inner.parents) if one.is_relative_to(root))


def _memory_limits(group: Path) -> Iterator[int]:
    for name in ("memory.max", "memory.limit_in_bytes"):
        text = _read(group / name)
        if text.isdigit() and int(text) < _UNLIMITED:
            yield int(text)


def _cpu_quotas(group: Path) -> Iterator[float]:
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if not quota:
        quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit():
        yield int(quota) / int(period)


def _read(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""


def _total(meminfo: Path) -> int:
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{meminfo} has no MemTotal")
