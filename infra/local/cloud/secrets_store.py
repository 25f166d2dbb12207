"""Secrets that outlive the process: moto's Secrets Manager, written to and read from the vault."""

from __future__ import annotations

import base64
from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from infra.local.cloud.journal import Vault
from infra.local.cloud.model import Json
from infra.local.template import Scope

_KIND = "secret"


def save_secrets(scope: Scope, vault: Vault) -> None:
    """Write every secret of the backend; called after each request that may have changed one."""
    backend = secretsmanager_backends[scope.account_id][scope.region]
    for secret in set(backend.secrets.values()):
        document = {
            "arn": secret.arn,
            "description": secret.description,
            "current": secret.default_version_id,
            "versions": {key: _writable(value) for key, value in secret.versions.items()},
        }
        if vault.get(_KIND, secret.name) != document:
            vault.put(_KIND, secret.name, document)


def restore_secret(scope: Scope, vault: Vault, name: str) -> str | None:
    """Bring a secret back from the vault; its ARN, or None when it was never saved."""
    document = vault.get(_KIND, name)
    if document is None:
        return None
    backend = secretsmanager_backends[scope.account_id][scope.region]
    if name not in backend.secrets:
        backend.create_secret(
            name, "{}", None, document["description"], None, None, None, [], False
        )
        secret = backend.secrets[name]
        secret.arn = document["arn"]
        secret.versions = {key: _readable(value) for key, value in document["versions"].items()}
        secret.set_default_version_id(document["current"])
    arn: str = document["arn"]
    return arn


def _writable(version: dict[str, Any]) -> dict[str, Json]:
    return {
        key: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for key, value in version.items()
    }


def _readable(version: dict[str, Json]) -> dict[str, Any]:
    return {
        key: base64.b64decode(value["base64"]) if isinstance(value, dict) else value
        for key, value in version.items()
    }
