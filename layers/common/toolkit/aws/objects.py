"""Files in S3: presigned uploads with limits, reads for workers, conditional writes for results."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO, Final
from urllib.parse import quote, unquote

from kernel.errors import NotFoundError, TooLargeError
from kernel.files import UploadedFile, UploadForm

UPLOAD_LIMIT_BYTES: Final = 10_000_000
_UPLOAD_LIFETIME: Final = timedelta(minutes=15)
_PIECE: Final = 1024 * 1024
_DOWNLOAD_LIFETIME: Final = timedelta(minutes=5)


def upload_key(tenant_id: str, upload_id: str) -> str:
    """Object key of an upload: random, under the tenant's prefix."""
    return f"T/{tenant_id}/uploads/{upload_id}"


def export_key(tenant_id: str, export_id: str) -> str:
    """Object key of a generated file."""
    return f"T/{tenant_id}/exports/{export_id}"


def evidence_key(tenant_id: str, name: str) -> str:
    """Object key of a file that is kept for good: outside of what expires."""
    return f"E/{tenant_id}/{name}"


def privacy_key(tenant_id: str, request_id: str, name: str) -> str:
    """Object key of a part of a person's copy; it expires like every generated file."""
    return f"T/{tenant_id}/privacy/{request_id}/{name}"


class FileStore:
    """One bucket, always addressed below the prefix of a tenant."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def presign_upload(
        self,
        tenant_id: str,
        upload_id: str,
        *,
        content_type: str,
        filename: str,
        redirect: str | None = None,
        max_bytes: int = UPLOAD_LIMIT_BYTES,
    ) -> UploadForm:
        """A POST that accepts exactly one file of this type, at most ``max_bytes``, for 15
        minutes.
        """
        name = quote(filename)  # metadata of objects is ASCII
        fields = {"Content-Type": content_type, "x-amz-meta-filename": name}
        conditions: list[Any] = [
            {"Content-Type": content_type},
            {"x-amz-meta-filename": name},
            ["content-length-range", 1, max_bytes],
        ]
        if redirect is not None:
            fields["success_action_redirect"] = redirect
            conditions.append({"success_action_redirect": redirect})
        answer = self._client.generate_presigned_post(
            self._bucket,
            upload_key(tenant_id, upload_id),
            Fields=fields,
            Conditions=conditions,
            ExpiresIn=int(_UPLOAD_LIFETIME.total_seconds()),
        )
        return UploadForm(answer["url"], answer["fields"])

    def put(self, key: str, content: bytes, *, content_type: str, filename: str) -> bool:
        """Write a new object; False when it exists already (a repeated worker changes nothing)."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                Metadata={"filename": quote(filename)},
                IfNoneMatch="*",
            )
        except self._client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") == "PreconditionFailed":
                return False
            raise
        return True

    def get(self, key: str, *, max_bytes: int = UPLOAD_LIMIT_BYTES) -> UploadedFile:
        """Read an object that is not larger than ``max_bytes``.

        Raises: NotFoundError("file_not_found").
        """
        answer = self._object(key)
        content = answer["Body"].read(max_bytes + 1)
        return UploadedFile(
            content=content,
            content_type=answer.get("ContentType", "application/octet-stream"),
            filename=unquote(answer.get("Metadata", {}).get("filename", "")),
        )

    @contextmanager
    def open(self, key: str, *, max_bytes: int) -> Iterator[BinaryIO]:
        """An object as a seekable file on disk, gone afterwards; memory stays flat.

        A worker may read it for minutes, which a connection to the store would not live through.
        Raises: NotFoundError("file_not_found"), TooLargeError("too_large").
        """
        answer = self._object(key)
        with tempfile.TemporaryFile() as file:
            total = 0
            while chunk := answer["Body"].read(_PIECE):
                total += len(chunk)
                if total > max_bytes:
                    raise TooLargeError("too_large", "The file is larger than it may be.")
                file.write(chunk)
            file.seek(0)
            yield file

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.ClientError as error:
            if _is_missing(error):
                return False
            raise
        return True

    def _object(self, key: str) -> Any:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.ClientError as error:
            if _is_missing(error):
                raise NotFoundError("file_not_found", "There is no such file.") from error
            raise

    def remove_all(self, prefix: str) -> int:
        """Remove every object below ``prefix``; how many there were.

        A second run finds nothing. Raises: ValueError for a prefix that is not one tenant's.
        """
        if re.fullmatch(r"T/[^/]+/(?:[^/]+/)*", prefix) is None:
            message = "objects are removed below the prefix of one tenant"
            raise ValueError(message)
        removed = 0
        for page in self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        ):
            keys = [{"Key": item["Key"]} for item in page.get("Contents", ())]
            if keys:
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys})
                removed += len(keys)
        return removed

    def presign_download(self, key: str, *, filename: str) -> str:
        """A link that downloads the object as an attachment for five minutes."""
        return str(
            self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename)}",
                },
                ExpiresIn=int(_DOWNLOAD_LIFETIME.total_seconds()),
            )
        )


def _is_missing(error: Any) -> bool:
    """Whether there is no such object: without the right to list a bucket, S3 says forbidden."""
    code = error.response.get("Error", {}).get("Code")
    return code in {"NoSuchKey", "404", "AccessDenied", "403"}
