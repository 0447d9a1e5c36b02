"""Makes the certificate authorities of one run, and the certificates and kubeconfigs they sign."""

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from control_plane.layout import API_URL

_VALID_FOR = datetime.timedelta(days=1)
# Clocks of containers may be a little behind.
_VALID_SINCE = datetime.timedelta(minutes=5)


def write_key(private: Path, public: Path) -> None:
    """Write a key pair, as the API server takes to sign the tokens of service accounts."""
    key = ec.generate_private_key(ec.SECP256R1())
    _write_private(private, key)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """A certificate authority whose files lie in `folder`."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        """The authority's own certificate."""
        return self.folder / f"{self.name}.crt"

    @property
    def bundle(self) -> str:
        """The authority's own certificate as manifests hold it, in base64."""
        return _base64(self.file)

    def issue(
        self, name: str, *, common_name: str, group: str = "", hosts: Sequence[str] = ()
    ) -> None:
        """Write `name`.crt and `name`.key, for servers at `hosts` and for clients."""
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = _builder(_name(common_name, group), self.certificate.subject, key)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        _write(self.folder, name, builder.sign(self.key, hashes.SHA256()), key)

    def write_kubeconfig(self, path: Path, name: str) -> None:
        """Write a kubeconfig for the client that `name`.crt says it is."""
        cluster = {"server": API_URL, "certificate-authority-data": self.bundle}
        user = {
            "client-certificate-data": _base64(self.folder / f"{name}.crt"),
            "client-key-data": _base64(self.folder / f"{name}.key"),
        }
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "kanaria",
            "clusters": [{"name": "kanaria", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "kanaria", "context": {"cluster": "kanaria", "user": name}}],
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document))


def new_authority(folder: Path, name: str) -> Authority:
    """Make a certificate authority in `folder`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = _builder(subject, subject, key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    certificate = builder.sign(key, hashes.SHA256())
    _write(folder, name, certificate, key)
    return Authority(folder=folder, name=name, key=key, certificate=certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _VALID_SINCE,
        not_valid_after=now + _VALID_FOR,
    )


def _name(common_name: str, group: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if group:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(attributes)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_private(folder / f"{name}.key", key)


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
