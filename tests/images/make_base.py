"""Writes a small Debian 12 with Python 3.11 as an archive for `docker import`; needs root.

Usage: make_base.py ARCHIVE.tar

The packages come from the mirror this machine's apt uses, and the base trusts the certificates
this machine trusts, as an organisation's own base would.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RELEASE = "bookworm"
UNREAD = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man")
"""What the slim images of Debian leave out too, but for the copyrights."""
PACKAGES = "python3,python3-venv,ca-certificates"
MIRROR = "http://deb.debian.org/debian"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def mirror() -> str:
    """Return the mirror of this machine's apt for the release, or Debian's own."""
    if not shutil.which("apt-get"):
        return MIRROR
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    command += ["ShortDesc: Packages", f"Codename: {RELEASE}", "Component: main"]
    urls = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return urls[0] if urls else MIRROR


def write(archive: Path) -> None:
    """Write the archive whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="kanaria-base-") as name:
        root = Path(name) / "root"
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}"]
        subprocess.run([*command, RELEASE, root, mirror()], check=True, stdout=sys.stderr)
        if CERTIFICATES.is_file():
            shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        for cache in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / cache)
            (root / cache).mkdir()
        for folder in UNREAD:
            for file in (root / folder).rglob("*"):
                if not file.is_dir() and file.name != "copyright":
                    file.unlink()
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_suffix(".partial")
        subprocess.run(["tar", "--directory", root, "--create", "--file", partial, "."], check=True)
        partial.rename(archive)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
