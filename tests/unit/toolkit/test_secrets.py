"""Derived keys and sealed credentials: only the exact context opens them."""

from dataclasses import replace

import pytest

from kernel.sensitive import Secret
from tests.support.aws import AwsWorld
from tests.support.scanner import CANARY_PASSWORD
from toolkit.aws.secrets import CredentialVault, SecretName, SecretUnavailableError
from toolkit.aws.transactions import Transaction, TransactionRefusedError
from toolkit.platform import Platform

NAME = SecretName("T1", "C1", "credentials", 1)


@pytest.fixture
def vault(platform: Platform) -> CredentialVault:
    """The vault of pensions."""
    return platform.vault("pen")


def _seal(platform: Platform, vault: CredentialVault, name: SecretName = NAME) -> None:
    transaction = Transaction(f"w-{name.version}")
    vault.seal(transaction, name, Secret(CANARY_PASSWORD))
    transaction.commit(platform.database)


def test_what_was_sealed_opens_with_its_own_name_only(
    platform: Platform, vault: CredentialVault
) -> None:
    _seal(platform, vault)
    assert vault.open(NAME).reveal("test") == CANARY_PASSWORD


@pytest.mark.parametrize(
    "thief",
    [
        replace(NAME, tenant_id="T2"),
        replace(NAME, owner_id="C2"),
        replace(NAME, version=2),
        replace(NAME, purpose="webhook_out"),
    ],
)
def test_a_row_copied_elsewhere_does_not_open(
    platform: Platform, vault: CredentialVault, aws: AwsWorld, thief: SecretName
) -> None:
    _seal(platform, vault)
    (row,) = aws.rows("secrets")
    copied = {
        **row,
        "pk": f"pen#T#{thief.tenant_id}#SECRET#{thief.owner_id}",
        "sk": f"{thief.purpose}#{thief.version:010d}",
    }
    platform.database.put_new("secrets", copied)
    with pytest.raises(SecretUnavailableError) as refused:
        vault.open(thief)
    assert refused.value.code == "secret_unavailable"
    assert CANARY_PASSWORD not in str(refused.value)


def test_another_context_cannot_open_it(platform: Platform, vault: CredentialVault) -> None:
    _seal(platform, vault)
    with pytest.raises(SecretUnavailableError):
        platform.vault("pay").open(NAME)


def test_versions_are_never_overwritten(platform: Platform, vault: CredentialVault) -> None:
    _seal(platform, vault)
    again = Transaction("other")
    vault.seal(again, NAME, Secret("another"))
    with pytest.raises(TransactionRefusedError) as refused:
        again.commit(platform.database)
    assert refused.value.failed("secret")
    _seal(platform, vault, replace(NAME, version=2))


def test_a_missing_secret_is_unavailable(vault: CredentialVault) -> None:
    with pytest.raises(SecretUnavailableError):
        vault.open(NAME)


def test_derived_keys_differ_by_purpose_and_scope(platform: Platform) -> None:
    derive = platform.app_secret.derive
    keys = {derive("cursor"), derive("csrf"), derive("cursor", "wsp"), derive("cursor", "pen")}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)
    assert derive("csrf") == platform.csrf_key()
    assert derive("cursor", "wsp") == platform.cursor_key("wsp")


def test_the_root_is_read_once(platform: Platform, aws: AwsWorld) -> None:
    aws.rules.requests.clear()
    platform.app_secret.derive("a")
    platform.app_secret.derive("b")
    assert aws.rules.requests == ["secretsmanager.GetSecretValue"] or (
        aws.rules.requests == ["secrets-manager.GetSecretValue"]
    )
