"""Everything secret the sandbox needs, made on its first start: an authority, a server certificate, a signing key."""

import datetime
import ipaddress
import os
import secrets
import ssl
import string
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEARS: Final = 10
ID_ALPHABET: Final = string.ascii_uppercase + string.digits


class Identity(msgspec.Struct, frozen=True):
    """The developer account that the sandbox plays: key id and team id as Apple would have given them."""

    key_id: str
    team_id: str


class Authority:
    """The files in the sandbox's folder, mode 0600: made when missing, kept otherwise."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca_file = folder / "authority.pem"
        self._ca_key_file = folder / "authority-key.pem"
        self._server_file = folder / "server.pem"
        self.key_file = folder / "AuthKey.p8"
        self._identity_file = folder / "identity.json"
        if not self._identity_file.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make()
        self.identity = msgspec.json.decode(self._identity_file.read_bytes(), type=Identity)

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The half of the signing key that Apple would have."""
        key = serialization.load_pem_private_key(self.key_file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key.public_key()

    def server_tls(self) -> ssl.SSLContext:
        """TLS as Apple speaks it: 1.2 or newer, HTTP/2 only, a client certificate if the client has one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._server_file)
        context.load_verify_locations(self.ca_file)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["h2"])
        return context

    def issue_push_certificate(self, bundle: str) -> Path:
        """A client certificate with its key for one app, in one file, as Apple's certificate page would give."""
        path = self._folder / f"push-{bundle}.pem"
        if not path.exists():
            name = [(NameOID.USER_ID, bundle), (NameOID.COMMON_NAME, f"Apple Push Services: {bundle}")]
            key, certificate = self._issue(name, ExtendedKeyUsageOID.CLIENT_AUTH)
            _write(path, _pem(certificate) + _key_pem(key))
        return path

    def _make(self) -> None:
        ca_key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Balefire push sandbox authority")])
        ca = (
            _builder(name, name, ca_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        _write(self.ca_file, _pem(ca))
        _write(self._ca_key_file, _key_pem(ca_key))
        key, certificate = self._issue([(NameOID.COMMON_NAME, "localhost")], ExtendedKeyUsageOID.SERVER_AUTH)
        _write(self._server_file, _pem(certificate) + _key_pem(key))
        _write(self.key_file, _key_pem(ec.generate_private_key(ec.SECP256R1())))
        identity = Identity(key_id=_ten_characters(), team_id=_ten_characters())
        _write(self._identity_file, msgspec.json.encode(identity))

    def _issue(
        self, names: list[tuple[x509.ObjectIdentifier, str]], usage: x509.ObjectIdentifier
    ) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        ca = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        ca_key = serialization.load_pem_private_key(self._ca_key_file.read_bytes(), None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in names])
        addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            _builder(subject, ca.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        return key, certificate


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _ten_characters() -> str:
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(10))
