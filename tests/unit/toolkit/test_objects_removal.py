"""Objects are removed below the prefix of one tenant and nowhere else."""

import pytest

from tests.support.aws import AwsWorld
from toolkit.aws.objects import FileStore

BUCKET = "kopru-test-files"


def test_everything_below_a_prefix_goes_and_the_neighbours_stay(aws: AwsWorld) -> None:
    client = aws.client("s3")
    for key in ("T/A/uploads/1", "T/A/exports/2", "T/AB/uploads/3", "E/A/4"):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    store = FileStore(client, BUCKET)
    assert store.remove_all("T/A/uploads/") == 1
    assert store.remove_all("T/A/") == 1
    assert store.remove_all("T/A/") == 0
    left = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert left == ["E/A/4", "T/AB/uploads/3"]


@pytest.mark.parametrize("prefix", ["", "T/", "T//", "T/A", "E/A/", "/T/A/", "T/A//"])
def test_a_wider_prefix_is_refused(aws: AwsWorld, prefix: str) -> None:
    with pytest.raises(ValueError, match="one tenant"):
        FileStore(aws.client("s3"), BUCKET).remove_all(prefix)
