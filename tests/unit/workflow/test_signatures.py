"""Detached CMS signatures of persons: what holds, and the one reason for everything that does not.

Certificates and signatures are made at test time; two are made by other tools (cryptography's own
builder, and openssl where the machine has it), so that maker and checker cannot share a mistake.
"""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)

from kernel.errors import ValidationError
from kernel.sensitive import Sensitive
from tests.support.pensions_builders import tckn
from tests.support.signers import START, Holder, Signing, authority, person, revocation_list
from workflow.adapters.cms_signatures import CmsSignatures
from workflow.domain.approvals.signing import (
    PROBLEMS,
    CheckedSignature,
    Identity,
    IdentityKind,
    Trust,
    Trusted,
    TrustKind,
    check_signer,
    check_time,
    identity_of,
)

STATEMENT = b'{"amount":"1500.00","decision":"approve","task":"T-1"}'
ROOT = authority("Deneme Kok")
MIDDLE = authority("Deneme Alt", ROOT, kind="rsa", path_length=0)
SIGNER = person(MIDDLE, email="Deniz@Company.example")
RSA_SIGNER = person(MIDDLE, kind="rsa", number=91)
TRUSTED = Trusted((ROOT.der,))
CHECKS = CmsSignatures()


def _verify(
    signature: bytes, statement: bytes = STATEMENT, trusted: Trusted = TRUSTED, **more: Any
) -> CheckedSignature:
    return CHECKS.verify(signature, statement, trusted, more.get("now", START))


def _by(holder: Holder = SIGNER, **more: Any) -> Signing:
    return Signing(holder, (MIDDLE,), **more)


def _code(act: Callable[[], Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        act()
    (problem,) = caught.value.problems
    assert problem.pointer == "/signature"
    assert problem.code == caught.value.code
    assert caught.value.code in PROBLEMS
    return caught.value.code


# ---------------------------------------------------------------------------- what holds


@pytest.mark.parametrize(
    ("signing", "algorithm", "profile"),
    [
        (_by(), "ECDSA secp256r1 SHA256", "CMS"),
        (_by(named=SIGNER), "ECDSA secp256r1 SHA256", "CAdES-BES"),
        (_by(digest="sha512", by_key_identifier=True), "ECDSA secp256r1 SHA512", "CMS"),
        (_by(RSA_SIGNER), "RSA-2048 SHA256", "CMS"),
        (_by(RSA_SIGNER, pss=True, named=RSA_SIGNER), "RSA-PSS-2048 SHA256", "CAdES-BES"),
        (_by(at=None), "ECDSA secp256r1 SHA256", "CMS"),
    ],
)
def test_a_signature_over_exactly_the_statement_holds(
    signing: Signing, algorithm: str, profile: str
) -> None:
    found = _verify(signing(STATEMENT))
    assert (found.algorithm, found.profile) == (algorithm, profile)
    assert found.signed_at == signing.at
    assert found.revoked_checked is False


def test_der_pem_and_base64_are_the_same_signature() -> None:
    der = _by()(STATEMENT)
    text = base64.b64encode(der)
    lines = b"\r\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    pem = b"-----BEGIN PKCS7-----\n" + lines + b"\n-----END PKCS7-----\n"
    assert _verify(der) == _verify(pem) == _verify(text) == _verify(b"  " + lines + b"\n")


def test_the_holder_shows_as_a_mask() -> None:
    found = _verify(_by()(STATEMENT))
    serial, email = found.identities
    assert serial.masked == f"{tckn(1)[:3]}******{tckn(1)[-2:]}"
    assert email.masked == "d***@company.example"
    assert tckn(1) not in f"{found!r}{found}"


def test_what_other_tools_sign_holds_too(tmp_path: Path) -> None:
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    made = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(STATEMENT)
        .add_signer(RSA_SIGNER.certificate, RSA_SIGNER.key, hashes.SHA384())
        .add_certificate(MIDDLE.certificate)
        .sign(Encoding.DER, options)
    )
    assert _verify(made).algorithm == "RSA-2048 SHA384"
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on this machine; the other builder was checked")
    key = SIGNER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, content in (
        ("statement", STATEMENT),
        ("key", key),
        ("certificate", SIGNER.pem.encode()),
        ("chain", MIDDLE.pem.encode()),
    ):
        (tmp_path / name).write_bytes(content)
    command = (
        "cms -sign -binary -cades -md sha256 -in statement -signer certificate -inkey key "
        "-certfile chain -outform DER -out made.p7s"
    )
    subprocess.run([openssl, *command.split()], cwd=tmp_path, check=True, capture_output=True)
    found = _verify((tmp_path / "made.p7s").read_bytes())
    assert (found.profile, found.algorithm) == ("CAdES-BES", "ECDSA secp256r1 SHA256")


# ---------------------------------------------------------------------------- what does not


def _bent(der: bytes) -> bytes:
    """The last byte is part of the signature."""
    return der[:-1] + bytes([der[-1] ^ 1])


FOREIGN = authority("Yabanci Kok", number=5)
EXPIRED = person(MIDDLE, until=START - timedelta(days=1))
FUTURE = person(MIDDLE, since=START + timedelta(days=1))
STRANGER = person(FOREIGN)
LOCKING = person(MIDDLE, signs=False)
WEAK = person(ROOT, kind="rsa1024", number=93)
ODD_CURVE = person(ROOT, kind="k256", number=94)
BELOW = authority("Deneme Alt Alt", MIDDLE, number=7)
TOO_DEEP = person(BELOW)
# A person who plays the authority: his certificate may not sign certificates.
FALSE_AUTHORITY = person(ROOT, number=95)
UNDER_A_PERSON = person(FALSE_AUTHORITY, number=96)
OLD_AUTHORITY = authority("Eski Alt", ROOT, number=8, until=START - timedelta(days=2))
UNDER_AN_OLD_ONE = person(OLD_AUTHORITY)

REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "no signature at all": ("signature_unreadable", lambda: b"approved, Deniz"),
    "empty": ("signature_unreadable", lambda: b""),
    "cut off": ("signature_unreadable", lambda: _by()(STATEMENT)[:-20]),
    "with a tail": ("signature_unreadable", lambda: _by()(STATEMENT) + b"x"),
    "a certificate alone": ("signature_unreadable", lambda: SIGNER.der),
    "too large": ("signature_too_large", lambda: b"\x30" + bytes(65 * 1024)),
    "attached": ("signature_attached", lambda: _by(attached=True)(STATEMENT)),
    "nobody": ("signature_signers", lambda: _by(signers=0)(STATEMENT)),
    "two signers": ("signature_signers", lambda: _by(signers=2)(STATEMENT)),
    "another statement": ("signature_statement", lambda: _by()(STATEMENT + b" ")),
    "tampered": ("signature_invalid", lambda: _bent(_by()(STATEMENT))),
    "another text under the digest": (
        "signature_invalid",
        lambda: _by(spoil=lambda content: content + b"x")(STATEMENT),
    ),
    "the key of somebody else": (
        "signature_invalid",
        lambda: _by(Holder(SIGNER.certificate, FOREIGN.key))(STATEMENT),
    ),
    "SHA-1": ("signature_algorithm", lambda: _by(RSA_SIGNER, digest="sha1")(STATEMENT)),
    "a short RSA key": ("signature_algorithm", lambda: Signing(WEAK)(STATEMENT)),
    "a curve we do not take": ("signature_algorithm", lambda: Signing(ODD_CURVE)(STATEMENT)),
    "an attribute twice": (
        "signature_attributes",
        lambda: _by(twice="message_digest")(STATEMENT),
    ),
    "another type of content": (
        "signature_attributes",
        lambda: _by(content_type="signed_data")(STATEMENT),
    ),
    "no certificate": ("certificate_missing", lambda: _by(without_certificate=True)(STATEMENT)),
    "another certificate named": ("certificate_other", lambda: _by(named=RSA_SIGNER)(STATEMENT)),
    "expired": ("certificate_time", lambda: _by(EXPIRED)(STATEMENT)),
    "not valid yet": ("certificate_time", lambda: _by(FUTURE)(STATEMENT)),
    "a foreign authority": ("certificate_untrusted", lambda: Signing(STRANGER)(STATEMENT)),
    "the authority between is missing": (
        "certificate_untrusted",
        lambda: Signing(SIGNER)(STATEMENT),
    ),
    "deeper than the authority allows": (
        "certificate_untrusted",
        lambda: Signing(TOO_DEEP, (BELOW, MIDDLE))(STATEMENT),
    ),
    "certified by a person": (
        "certificate_untrusted",
        lambda: Signing(UNDER_A_PERSON, (FALSE_AUTHORITY,))(STATEMENT),
    ),
    "the authority between has expired": (
        "certificate_untrusted",
        lambda: Signing(UNDER_AN_OLD_ONE, (OLD_AUTHORITY,))(STATEMENT),
    ),
    "a key for encryption": ("certificate_usage", lambda: _by(LOCKING)(STATEMENT)),
    "an authority signs itself": ("certificate_usage", lambda: Signing(MIDDLE)(STATEMENT)),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_every_failure_has_its_own_reason(name: str) -> None:
    code, made = REFUSED[name]
    assert _code(lambda: _verify(made())) == code


def test_nothing_is_trusted_without_an_anchor() -> None:
    assert _code(lambda: _verify(_by()(STATEMENT), trusted=Trusted(()))) == "certificate_untrusted"


def test_the_certificate_must_be_valid_when_the_hub_sees_the_signature() -> None:
    signature = _by()(STATEMENT)
    late = START + timedelta(days=301)
    assert _code(lambda: _verify(signature, now=late)) == "certificate_time"


# ---------------------------------------------------------------------------- revocation


def test_a_path_counts_as_looked_up_when_every_list_is_current() -> None:
    signature = _by()(STATEMENT)
    lists = (revocation_list(MIDDLE), revocation_list(ROOT, made=START - timedelta(days=3)))
    found = _verify(signature, trusted=replace(TRUSTED, lists=lists))
    assert found.revoked_checked is True
    assert found.lists_as_of == START - timedelta(days=3)
    for missing in lists:
        partly = _verify(signature, trusted=replace(TRUSTED, lists=(missing,)))
        assert (partly.revoked_checked, partly.lists_as_of) == (False, None)


def test_a_revoked_certificate_is_refused_also_by_an_old_list() -> None:
    signature = _by()(STATEMENT)
    old: Any = {"made": START - timedelta(days=60), "until": START - timedelta(days=30)}
    for listed in (
        revocation_list(MIDDLE, [SIGNER]),
        revocation_list(MIDDLE, [SIGNER], **old),
        revocation_list(ROOT, [MIDDLE]),
    ):
        trusted = replace(TRUSTED, lists=(listed,))
        assert _code(partial(_verify, signature, trusted=trusted)) == "certificate_revoked"


def test_an_old_or_forged_list_checks_nothing() -> None:
    signature = _by()(STATEMENT)
    old = revocation_list(MIDDLE, made=START - timedelta(days=9), until=START - timedelta(days=2))
    forger = Holder(MIDDLE.certificate, FOREIGN.key)
    forged = revocation_list(forger, [SIGNER])
    lists = (old, forged, revocation_list(ROOT))
    assert _verify(signature, trusted=replace(TRUSTED, lists=lists)).revoked_checked is False


def test_what_is_no_whole_list_of_its_authority_is_not_taken() -> None:
    facts = CHECKS.revocations(revocation_list(ROOT), [ROOT.der])
    assert (facts.issuer, facts.ends_at) == ("CN=Deneme Kok", START + timedelta(days=6))
    forged = revocation_list(Holder(ROOT.certificate, FOREIGN.key))
    for data, code in ((b"no list", "list_unreadable"), (forged, "list_forged")):
        with pytest.raises(ValidationError) as caught:
            CHECKS.revocations(data, [ROOT.der])
        assert caught.value.code == code


def test_only_an_authority_is_an_anchor() -> None:
    assert CHECKS.authority(ROOT.pem.encode()).data == ROOT.der
    for data in (SIGNER.der, b"text"):
        with pytest.raises(ValidationError) as caught:
            CHECKS.authority(data)
        assert caught.value.code == "certificate_unreadable"


# ---------------------------------------------------------------------------- whose, when


def _record(kind: IdentityKind, text: str, who: str = "user:A", **more: Any) -> Trust:
    identity = identity_of(kind, text)
    fingerprint = _digest(identity.kind.value, identity.text)
    return Trust("1", TrustKind.SIGNER, "", fingerprint, START.date(), person=who, **more)


def _digest(kind: str, value: str) -> str:
    return f"{kind}|{value}"


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([], "signer_unknown"),
        ([_record(IdentityKind.SERIAL_NUMBER, tckn(1), who="user:B")], "signer_unknown"),
        ([_record(IdentityKind.SERIAL_NUMBER, tckn(2))], "signer_other"),
        ([_record(IdentityKind.EMAIL, "deniz@company.example")], ""),
        ([_record(IdentityKind.SERIAL_NUMBER, tckn(1))], ""),
        ([_record(IdentityKind.SERIAL_NUMBER, tckn(1), valid_to=None).ended()], "signer_unknown"),
    ],
)
def test_the_signature_is_that_of_the_approver(records: list[Trust], code: str) -> None:
    found = _verify(_by()(STATEMENT))

    def act() -> Identity:
        return check_signer(found, "user:A", records, START.date(), _digest)

    if code:
        assert _code(act) == code
    else:
        assert act() in found.identities


@pytest.mark.parametrize(("hours", "code"), [(-30, "signature_time"), (1, "signature_time")])
def test_the_time_of_signing_lies_in_the_life_of_the_task(hours: int, code: str) -> None:
    found = _verify(_by(at=START + timedelta(hours=hours))(STATEMENT))
    opened = START - timedelta(hours=24)
    assert _code(lambda: check_time(found, opened, START)) == code
    check_time(replace(found, signed_at=START), opened, START)
    check_time(replace(found, signed_at=None), opened, START)


def test_an_identity_is_an_address_or_a_number() -> None:
    for kind, text in ((IdentityKind.EMAIL, "deniz"), (IdentityKind.SERIAL_NUMBER, "?")):
        with pytest.raises(ValidationError):
            identity_of(kind, text)
    assert Identity(IdentityKind.SERIAL_NUMBER, Sensitive("VATTR-1234567")).masked == "VA******67"


def test_the_reader_knows_the_attributes_of_cades_by_itself() -> None:
    """asn1crypto learns them by an import; these tests import it too, so ask a bare process."""
    code = (
        "from workflow.adapters import cms_signatures as it; "
        "print(it.cms.CMSAttributeType.unmap('signing_certificate_v2'))"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    asked = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    assert asked.stdout.strip() == "1.2.840.113549.1.9.16.2.47"
