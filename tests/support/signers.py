"""Authorities and signers made at test time, and signatures made of asn1crypto's structures.

Nothing here is used by the product: what is checked is made by other means than what checks it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import new as hash_of
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support.pensions_builders import tckn

START: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def key_of(kind: str, number: int = 0) -> Key:
    """A key of a kind, the same for the same number: RSA keys take long to make."""
    del number
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa") or 2048))
    curve = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "k256": ec.SECP256K1()}[kind]
    return ec.generate_private_key(curve)


@dataclass(frozen=True)
class Holder:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        """The certificate as text."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


def authority(
    name: str, parent: Holder | None = None, *, kind: str = "p256", number: int = 0, **more: Any
) -> Holder:
    """A certificate authority, of its own or below another."""
    return _certify(name, parent, key_of(kind, number), ca=True, **more)


def person(
    parent: Holder, *, kind: str = "p256", number: int = 90, serial: str = "", **more: Any
) -> Holder:
    """Somebody with a certificate; ``serial`` is the identity in the name."""
    serial = serial or tckn(1)
    return _certify("Deniz Deneme", parent, key_of(kind, number), ca=False, serial=serial, **more)


def _certify(
    name: str,
    parent: Holder | None,
    key: Key,
    *,
    ca: bool,
    serial: str = "",
    email: str = "",
    since: datetime = START - timedelta(days=300),
    until: datetime = START + timedelta(days=300),
    signs: bool = True,
    path_length: int | None = None,
) -> Holder:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if serial:
        names.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial))
    subject = x509.Name(names)
    usage = {
        "digital_signature": not ca and signs,
        "content_commitment": False,
        "key_encipherment": not signs,
        "data_encipherment": False,
        "key_agreement": False,
        "key_cert_sign": ca,
        "crl_sign": ca,
        "encipher_only": False,
        "decipher_only": False,
    }
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent.certificate.subject if parent else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if email:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False
        )
    issuing = parent.key if parent else key
    return Holder(builder.sign(issuing, hashes.SHA256()), key)


def revocation_list(
    parent: Holder,
    revoked: Sequence[Holder] = (),
    *,
    made: datetime = START - timedelta(days=1),
    until: datetime = START + timedelta(days=6),
) -> bytes:
    """What an authority has revoked."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(parent.certificate.subject)
        .last_update(made)
        .next_update(until)
    )
    for each in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(each.certificate.serial_number)
            .revocation_date(made)
            .build()
        )
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(parent.key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass
class Signing:
    """How a signature is made; a test changes what it wants to be wrong."""

    holder: Holder
    chain: tuple[Holder, ...] = ()
    digest: str = "sha256"
    at: datetime | None = START
    pss: bool = False
    attached: bool = False
    named: Holder | None = None
    """Whose certificate the signed attributes name (CAdES); nobody's by default."""
    by_key_identifier: bool = False
    without_certificate: bool = False
    content_type: str = "data"
    twice: str = ""
    """An attribute that is said twice."""
    signers: int = 1
    spoil: Callable[[bytes], bytes] = field(default=lambda content: content)
    """What is signed instead of the signed attributes."""

    def __call__(self, statement: bytes) -> bytes:
        """The detached signature as DER."""
        certificate = asn1.Certificate.load(self.holder.der)
        attributes = self._attributes(statement)
        content = attributes.dump()
        algorithm, signature = self._sign(self.spoil(content))
        sid: dict[str, Any] = {
            "name": "issuer_and_serial_number",
            "value": cms.IssuerAndSerialNumber(
                {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
            ),
        }
        if self.by_key_identifier:
            sid = {"name": "subject_key_identifier", "value": certificate.key_identifier}
        signer = cms.SignerInfo(
            {
                "version": "v3" if self.by_key_identifier else "v1",
                "sid": cms.SignerIdentifier(**sid),
                "digest_algorithm": {"algorithm": self.digest},
                "signed_attrs": attributes,
                "signature_algorithm": algorithm,
                "signature": signature,
            }
        )
        given = [] if self.without_certificate else [self.holder, *self.chain]
        signed = cms.SignedData(
            {
                "version": "v1",
                "digest_algorithms": [{"algorithm": self.digest}],
                "encap_content_info": {
                    "content_type": "data",
                    **({"content": statement} if self.attached else {}),
                },
                "certificates": [asn1.Certificate.load(each.der) for each in given],
                "signer_infos": [signer] * self.signers,
            }
        )
        info = cms.ContentInfo({"content_type": "signed_data", "content": signed})
        return bytes(info.dump())

    def _attributes(self, statement: bytes) -> cms.CMSAttributes:
        said: list[tuple[str, Any]] = [
            ("content_type", self.content_type),
            ("message_digest", hash_of(self.digest, statement).digest()),
        ]
        if self.at is not None:
            said.append(("signing_time", cms.Time(name="utc_time", value=core.UTCTime(self.at))))
        if self.named is not None:
            named = tsp.ESSCertIDv2(
                {
                    "hash_algorithm": {"algorithm": self.digest},
                    "cert_hash": hash_of(self.digest, self.named.der).digest(),
                }
            )
            said.append(("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [named]})))
        said += [(name, value) for name, value in said if name == self.twice]
        return cms.CMSAttributes(
            [cms.CMSAttribute({"type": name, "values": [value]}) for name, value in said]
        )

    def _sign(self, content: bytes) -> tuple[algos.SignedDigestAlgorithm, bytes]:
        chosen = {
            "sha1": hashes.SHA1(),  # noqa: S303  (what must be refused)
            "sha256": hashes.SHA256(),
            "sha512": hashes.SHA512(),
        }[self.digest]
        key = self.holder.key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            name = {"algorithm": f"{self.digest}_ecdsa"}
            return algos.SignedDigestAlgorithm(name), key.sign(content, ec.ECDSA(chosen))
        if self.pss:
            said = {
                "algorithm": "rsassa_pss",
                "parameters": {
                    "hash_algorithm": {"algorithm": self.digest},
                    "mask_gen_algorithm": {
                        "algorithm": "mgf1",
                        "parameters": {"algorithm": self.digest},
                    },
                    "salt_length": 32,
                },
            }
            pss = padding.PSS(padding.MGF1(chosen), 32)
            return algos.SignedDigestAlgorithm(said), key.sign(content, pss, chosen)
        made = key.sign(content, padding.PKCS1v15(), chosen)
        return algos.SignedDigestAlgorithm({"algorithm": f"{self.digest}_rsa"}), made
