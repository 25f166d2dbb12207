"""Detached CMS signatures (PKCS#7, CAdES-BES): read with asn1crypto, checked with cryptography.

asn1crypto only takes the structure apart; every digest, signature and path is judged by
``cryptography``, whose path validation follows RFC 5280. Imported at the first signature, because
most processes never see one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import cms, pem, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID

from kernel.errors import Problem, ValidationError
from kernel.sensitive import Sensitive
from workflow.domain.approvals.signing import (
    MAX_LIST,
    MAX_SIGNATURE,
    CheckedSignature,
    Identity,
    IdentityKind,
    Trusted,
    signature_problem,
)
from workflow.ports import AuthorityFacts, RevocationFacts

_HASHES: Final = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
"""Nothing weaker: SHA-1 and MD5 are refused (ETSI TS 119 312)."""
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
_MIN_RSA: Final = 2048
_MAX_DEPTH: Final = 5


class CmsSignatures:
    """``Signatures`` of the ports."""

    def verify(
        self, signature: bytes, statement: bytes, trusted: Trusted, now: datetime
    ) -> CheckedSignature:
        """See ``Signatures``."""
        signed = _signed_data(signature)
        if signed["encap_content_info"]["content"].native is not None:
            raise signature_problem("signature_attached")
        signers = list(signed["signer_infos"])
        if len(signers) != 1:
            raise signature_problem("signature_signers")
        signer = signers[0]
        given = _certificates(signed)
        certificate = _signing_certificate(signer, given)
        attributes = _attributes(signer)
        algorithm = _hash(signer["digest_algorithm"]["algorithm"].native)
        _check_digest(attributes, statement, algorithm)
        profile = _check_certificate_named(attributes, certificate)
        words = _check_signature(signer, certificate, algorithm)
        path = _path(certificate, given, trusted.anchors, now)
        _check_usage(certificate)
        checked, as_of = _check_revocations(path, trusted.lists, now)
        return CheckedSignature(
            certificate=_sha256(certificate),
            serial=f"{certificate.serial_number:x}",
            issuer=certificate.issuer.rfc4514_string(),
            anchor=_sha256(path[-1]),
            identities=tuple(_identities(certificate)),
            algorithm=words,
            profile=profile,
            signed_at=_signed_at(attributes),
            revoked_checked=checked,
            lists_as_of=as_of,
            der=_der(signature),
        )

    def authority(self, data: bytes) -> AuthorityFacts:
        """See ``Signatures``."""
        certificate = _load_certificate(_der(data))
        if certificate is None or not _is_authority(certificate):
            raise _refused("/certificate", "certificate_unreadable", "This is no authority.")
        return AuthorityFacts(
            certificate.subject.rfc4514_string(),
            _sha256(certificate),
            certificate.public_bytes(Encoding.DER),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )

    def revocations(self, data: bytes, anchors: Sequence[bytes]) -> RevocationFacts:
        """See ``Signatures``."""
        der = _der(data)
        if len(der) > MAX_LIST:
            raise _refused("/list", "list_too_large", "The list is larger than 300 kB.")
        try:
            found = x509.load_der_x509_crl(der)
            critical = {each.oid for each in found.extensions if each.critical}
            following = found.next_update_utc
        except (ValueError, UnsupportedAlgorithm):
            raise _refused("/list", "list_unreadable", "This is no revocation list.") from None
        if critical or following is None:
            # Partial, indirect and delta lists say less than they seem to.
            raise _refused("/list", "list_partial", "Only whole lists with an end are taken.")
        issuer = found.issuer.public_bytes()
        known = [_certificate(each) for each in anchors]
        own = [each for each in known if each.subject.public_bytes() == issuer]
        if own and not any(_issued(found, each) for each in own):
            raise _refused("/list", "list_forged", "The authority has not signed this list.")
        return RevocationFacts(
            found.issuer.rfc4514_string(),
            hashlib.sha256(issuer).hexdigest(),
            der,
            found.last_update_utc,
            following,
        )


# ---------------------------------------------------------------------------- reading


def _refused(pointer: str, code: str, message: str) -> ValidationError:
    problems = [Problem(pointer, code, message)]
    return ValidationError(code, message, problems=problems)


def _der(data: bytes) -> bytes:
    """DER of what came as DER, PEM or bare base64; the data itself when it is none of them."""
    text = data.strip()
    if pem.detect(text):
        try:
            return bytes(pem.unarmor(text)[2])
        except ValueError:
            return data
    if text[:1] == b"\x30":
        return data
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return data


def _signed_data(signature: bytes) -> Any:
    if len(signature) > MAX_SIGNATURE:
        raise signature_problem("signature_too_large")
    try:
        content = cms.ContentInfo.load(_der(signature), strict=True)
        if content["content_type"].native != "signed_data":
            raise signature_problem("signature_unreadable")
        signed = content["content"]
        # Parsed whole here: asn1crypto reads lazily, and what is broken must break now.
        assert signed.native is not None  # noqa: S101  (forces the parse)
    except (ValueError, TypeError, KeyError):
        raise signature_problem("signature_unreadable") from None
    return signed


def _load_certificate(der: bytes) -> x509.Certificate | None:
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = (certificate.subject, certificate.issuer, certificate.extensions)
        certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return None
    return certificate


def _certificate(der: bytes) -> x509.Certificate:
    found = _load_certificate(der)
    if found is None:
        raise signature_problem("signature_unreadable")
    return found


def _certificates(signed: Any) -> list[x509.Certificate]:
    found = [
        _load_certificate(each.chosen.dump())
        for each in (signed["certificates"] or ())
        if each.name == "certificate"
    ]
    return [each for each in found if each is not None]


def _signing_certificate(signer: Any, given: Iterable[x509.Certificate]) -> x509.Certificate:
    sid = signer["sid"]
    for certificate in given:
        if sid.name == "issuer_and_serial_number":
            named = sid.chosen
            same = named["serial_number"].native == certificate.serial_number
            if same and named["issuer"].dump() == certificate.issuer.public_bytes():
                return certificate
        elif sid.chosen.native == _key_identifier(certificate):
            return certificate
    raise signature_problem("certificate_missing")


def _key_identifier(certificate: x509.Certificate) -> bytes:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return b""
    return found.value.digest


def _attributes(signer: Any) -> dict[str, Any]:
    """Signed attributes by name; each occurs once and has one value (RFC 5652 §11)."""
    found: dict[str, Any] = {}
    for attribute in signer["signed_attrs"] or ():
        name = attribute["type"].native
        if name in found or len(attribute["values"]) != 1:
            raise signature_problem("signature_attributes")
        found[name] = attribute["values"][0]
    if "message_digest" not in found or "content_type" not in found:
        raise signature_problem("signature_attributes")
    if found["content_type"].native != "data":
        raise signature_problem("signature_attributes")
    return found


def _hash(name: str) -> hashes.HashAlgorithm:
    if name not in _HASHES:
        raise signature_problem("signature_algorithm")
    return _HASHES[name]


def _signed_at(attributes: dict[str, Any]) -> datetime | None:
    claimed = attributes.get("signing_time")
    if claimed is None:
        return None
    found = claimed.native
    if not isinstance(found, datetime):
        raise signature_problem("signature_attributes")
    return found.astimezone(UTC)


def _identities(certificate: x509.Certificate) -> Iterable[Identity]:
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER):
        yield Identity(IdentityKind.SERIAL_NUMBER, Sensitive(str(attribute.value)))
    addresses = [
        str(each.value)
        for each in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
    ]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        addresses += names.value.get_values_for_type(x509.RFC822Name)
    except x509.ExtensionNotFound:
        pass
    yield from (Identity(IdentityKind.EMAIL, Sensitive(each)) for each in addresses)


# ---------------------------------------------------------------------------- judging


def _check_digest(
    attributes: dict[str, Any], statement: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    made = hashlib.new(algorithm.name, statement).digest()
    if not hmac.compare_digest(made, attributes["message_digest"].native):
        raise signature_problem("signature_statement")


def _check_certificate_named(attributes: dict[str, Any], certificate: x509.Certificate) -> str:
    """CAdES: the signed attributes name the certificate, so it cannot be exchanged."""
    der = certificate.public_bytes(Encoding.DER)
    named = attributes.get("signing_certificate_v2")
    # The attribute is known to asn1crypto only where ``tsp`` is imported; unknown, it would be
    # passed over without a word.
    if isinstance(named, tsp.SigningCertificateV2):
        first = named["certs"][0]
        name = first["hash_algorithm"]["algorithm"].native
        same = hashlib.new(_hash(name).name, der).digest() == first["cert_hash"].native
    elif named is not None:
        raise signature_problem("signature_attributes")
    elif "signing_certificate" in attributes:
        raise signature_problem("signature_algorithm")  # its hash is SHA-1 by definition
    else:
        return "CMS"
    if not same:
        raise signature_problem("certificate_other")
    return "CAdES-BES"


def _check_signature(
    signer: Any, certificate: x509.Certificate, algorithm: hashes.HashAlgorithm
) -> str:
    """Over the signed attributes as DER SET OF. Returns the algorithm in words."""
    raw = signer["signed_attrs"].dump()
    content, signature = b"\x31" + raw[1:], signer["signature"].native
    said = signer["signature_algorithm"]
    key = certificate.public_key()
    try:
        kind = said.signature_algo
        # Plain rsaEncryption and ecPublicKey leave the hash to the digest algorithm.
        named = said.hash_algo if said["algorithm"].native != "rsassa_pkcs1v15" else None
    except ValueError:
        kind, named = "", None
    if named is not None and _hash(named) is not algorithm:
        raise signature_problem("signature_algorithm")
    upper = algorithm.name.upper()
    try:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _MIN_RSA:
            if kind == "rsassa_pkcs1v15":
                key.verify(signature, content, padding.PKCS1v15(), algorithm)
                return f"RSA-{key.key_size} {upper}"
            if kind == "rsassa_pss":
                mask = said["parameters"]["mask_gen_algorithm"]["parameters"]["algorithm"].native
                salt = said["parameters"]["salt_length"].native
                pss = padding.PSS(padding.MGF1(_hash(mask)), salt)
                key.verify(signature, content, pss, algorithm)
                return f"RSA-PSS-{key.key_size} {upper}"
        if (
            isinstance(key, ec.EllipticCurvePublicKey)
            and key.curve.name in _CURVES
            and kind == "ecdsa"
        ):
            key.verify(signature, content, ec.ECDSA(algorithm))
            return f"ECDSA {key.curve.name} {upper}"
    except InvalidSignature:
        raise signature_problem("signature_invalid") from None
    raise signature_problem("signature_algorithm")


def _check_usage(certificate: x509.Certificate) -> None:
    """A key for signatures of its holder: ``digitalSignature`` or ``contentCommitment``."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise signature_problem("certificate_usage") from None
    if _is_authority(certificate) or not (usage.digital_signature or usage.content_commitment):
        raise signature_problem("certificate_usage")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca


# ---------------------------------------------------------------------------- the path


def _authorities_only(_policy: Any, _certificate: Any, extension: x509.BasicConstraints) -> None:
    if not extension.ca:
        message = "no authority"
        raise ValueError(message)


def _signs_certificates(_policy: Any, _certificate: Any, usage: x509.KeyUsage) -> None:
    if not usage.key_cert_sign:
        message = "no key for certificates"
        raise ValueError(message)


def _path(
    certificate: x509.Certificate,
    given: Sequence[x509.Certificate],
    anchors: Sequence[bytes],
    now: datetime,
) -> list[x509.Certificate]:
    """From the signer to an anchor.

    The hub sees the signature now and has no proof that it existed earlier, so now is the moment
    at which every certificate must be valid.
    """
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise signature_problem("certificate_time")
    roots = [_certificate(each) for each in anchors]
    if not roots:
        raise signature_problem("certificate_untrusted")
    agnostic = verification.Criticality.AGNOSTIC
    authorities = (
        verification.ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, agnostic, _authorities_only)
        .require_present(x509.KeyUsage, agnostic, _signs_certificates)
    )
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(roots))
        .time(now)
        .max_chain_depth(_MAX_DEPTH)
        .extension_policies(
            ca_policy=authorities, ee_policy=verification.ExtensionPolicy.permit_all()
        )
        .build_client_verifier()
    )
    others = [each for each in given if each != certificate]
    try:
        return list(verifier.verify(certificate, others).chain)
    except (verification.VerificationError, ValueError):
        raise signature_problem("certificate_untrusted") from None


def _check_revocations(
    path: Sequence[x509.Certificate], lists: Sequence[bytes], now: datetime
) -> tuple[bool, datetime | None]:
    """Whether all of the path was looked up in current lists, and how old the oldest is.

    Raises: ValidationError("certificate_revoked"), also by a list that is out of date: what was
    revoked stays revoked.
    """
    known = [x509.load_der_x509_crl(each) for each in lists]
    looked_up, oldest = True, None
    for certificate, issuer in itertools.pairwise(path):
        current = False
        for each in known:
            if each.issuer != certificate.issuer or not _issued(each, issuer):
                continue
            entry = each.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None and entry.revocation_date_utc <= now:
                raise signature_problem("certificate_revoked")
            if each.next_update_utc is not None and now <= each.next_update_utc:
                current = True
                made = each.last_update_utc
                oldest = made if oldest is None else min(oldest, made)
        looked_up = looked_up and current
    return looked_up, oldest if looked_up else None


def _issued(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    return isinstance(
        key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    ) and found.is_signature_valid(key)


def _sha256(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()
