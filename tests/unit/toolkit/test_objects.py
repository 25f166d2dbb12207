"""Files in S3: what is not there is not found, whatever S3 calls it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from kernel.errors import NotFoundError
from toolkit.aws.objects import FileStore


class Refusing:
    """A client whose every read is refused with one code."""

    class exceptions:
        """Errors as the SDK offers them."""

        ClientError = ClientError

    def __init__(self, code: str) -> None:
        self._error = ClientError({"Error": {"Code": code}}, "GetObject")

    def get_object(self, **_: Any) -> Any:
        raise self._error

    def head_object(self, **_: Any) -> Any:
        raise self._error


def _read(files: FileStore) -> None:
    files.get("T/a/uploads/b")


def _open(files: FileStore) -> None:
    with files.open("T/a/uploads/b", max_bytes=1):
        pass


@pytest.mark.parametrize("read", [_read, _open])
@pytest.mark.parametrize("code", ["NoSuchKey", "404", "AccessDenied", "403"])
def test_what_is_not_there_is_not_found(code: str, read: Any) -> None:
    files = FileStore(Refusing(code), "files")
    assert not files.exists("T/a/uploads/b")
    with pytest.raises(NotFoundError) as caught:
        read(files)
    assert caught.value.code == "file_not_found"


@pytest.mark.parametrize("read", [_read, _open, lambda files: files.exists("T/a/uploads/b")])
def test_trouble_of_the_store_is_no_missing_file(read: Any) -> None:
    with pytest.raises(ClientError):
        read(FileStore(Refusing("SlowDown"), "files"))
