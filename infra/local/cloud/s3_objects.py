"""S3 between moto and the files of the state folder, and uploads from a browser form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from moto.core.utils import utcnow
from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeDeleteMarker, FakeKey, s3_backends
from moto.s3.utils import _VersionedKeyStore, metadata_from_headers

from infra.local.cloud.journal import ObjectFiles, StoredVersion
from infra.local.cloud.model import Json
from infra.local.cloud.presigned import PresignedError, check_form
from infra.local.template import Scope

_SAVED: Final = (
    "encryption",
    "kms_key_id",
    "bucket_key_enabled",
    "lock_mode",
    "lock_legal_status",
    "lock_until",
    "checksum_value",
    "checksum_type",
    "checksum_algorithm",
)


class _RecordingKeyStore(_VersionedKeyStore):  # type: ignore[misc]
    """The keys of one bucket; notes which of them changed."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self._note = note

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._note(key)

    def setlist(self, key: str, list_: Any) -> None:
        """Replace all versions of a key."""
        super().setlist(key, list_)
        self._note(key)

    def pop(self, key: str) -> None:
        """Forget a key."""
        super().pop(key)
        self._note(key)


class S3Objects:
    """Keeps the files of the state folder equal to moto's buckets.

    The caller serialises S3 requests and calls :meth:`flush` after each.
    """

    def __init__(self, scope: Scope, files: ObjectFiles) -> None:
        self._scope = scope
        self._files = files
        self._changed: set[tuple[str, str]] = set()

    @property
    def _backend(self) -> Any:
        return s3_backends[self._scope.account_id]["aws"]

    def restore(self, bucket_name: str) -> None:
        """Fill a new bucket with what the folder holds, and record it from now on."""
        bucket = self._backend.get_bucket(bucket_name)

        def note(key: str) -> None:
            self._changed.add((bucket_name, key))

        bucket.keys = _RecordingKeyStore(note)
        for name, versions in self._files.read(bucket_name):
            keys: list[Any] = []
            for version in versions:
                keys.append(self._key(bucket, name, version, keys))
            bucket.keys.setlist(name, keys)
        self._changed.clear()

    def flush(self) -> None:
        """Write what the last request changed."""
        while self._changed:
            bucket_name, key = self._changed.pop()
            try:
                bucket = self._backend.get_bucket(bucket_name)
            except MissingBucket:
                continue
            versions = bucket.keys.getlist(key, [])
            self._files.write(bucket_name, key, [_stored(version) for version in versions])

    def post(
        self,
        bucket_name: str,
        form: Mapping[str, str],
        content: bytes,
        filename: str,
        now: datetime,
    ) -> tuple[int, dict[str, str]]:
        """Take an upload from a browser form; returns status and headers of the answer.

        Raises: PresignedError.
        """
        fields = {name.lower(): value for name, value in form.items()}
        check_form(fields, bucket_name, len(content), now)
        try:
            self._backend.get_bucket(bucket_name)
        except MissingBucket:
            raise PresignedError(404, "NoSuchBucket", "The bucket does not exist.") from None
        key_name = fields["key"].replace("${filename}", filename)
        key = self._backend.put_object(bucket_name, key_name, content, request_method="POST")
        key.set_metadata(metadata_from_headers(dict(fields)))
        headers = {"ETag": key.etag}
        redirect = fields.get("success_action_redirect")
        if redirect:
            parts = urlsplit(redirect)
            query = [
                *parse_qsl(parts.query, keep_blank_values=True),
                ("bucket", bucket_name),
                ("key", key_name),
                ("etag", key.etag),
            ]
            headers["Location"] = urlunsplit(parts._replace(query=urlencode(query)))
            return 303, headers
        status = fields.get("success_action_status", "204")
        return (int(status) if status in ("200", "201", "204") else 204), headers

    def _key(self, bucket: Any, name: str, version: StoredVersion, earlier: list[Any]) -> Any:
        saved = version.attributes
        if version.content is None:
            marker = FakeDeleteMarker(key=earlier[-1] if earlier else _nothing(self._scope, name))
            marker._version_id = saved["version_id"]
            marker.last_modified = _moment(saved)
            return marker
        key = FakeKey(
            name=name,
            bucket_name=bucket.name,
            value=version.content,
            account_id=self._scope.account_id,
            region_name=self._scope.region,
            storage=saved["storage_class"],
            etag=saved["etag"],
            is_versioned=saved["is_versioned"],
            version_id=saved["version_id"],
        )
        for attribute in _SAVED:
            setattr(key, attribute, saved.get(attribute))
        key.set_metadata(dict(saved["metadata"]))
        key.last_modified = _moment(saved)
        return key


def _stored(version: Any) -> StoredVersion:
    common = {"version_id": version.version_id, "last_modified": version.last_modified.isoformat()}
    if isinstance(version, FakeDeleteMarker):
        return StoredVersion(common, None)
    attributes: dict[str, Json] = {
        **common,
        "etag": version.etag.strip('"'),
        "storage_class": version.storage_class,
        "is_versioned": version._is_versioned,
        "metadata": dict(version.metadata),
        **{name: _text(getattr(version, name)) for name in _SAVED},
    }
    return StoredVersion(attributes, version.value)


def _text(value: Any) -> Json:
    return value.decode("ascii") if isinstance(value, bytes) else value


def _moment(saved: Mapping[str, Json]) -> datetime:
    moment = datetime.fromisoformat(saved["last_modified"])
    # moto works with naive UTC times.
    return moment if utcnow().tzinfo is not None else moment.replace(tzinfo=None)


def _nothing(scope: Scope, name: str) -> Any:
    return FakeKey(name, b"", scope.account_id, scope.region)
