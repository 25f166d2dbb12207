"""A program that starts the sample stack with a seed of its own and reports what it saw.

``python seeding.py FOLDER ok|fails|dies`` prints one JSON document.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from infra.local.cloud import LocalCloud
from infra.local.settings import LocalSettings
from infra.local.stack import LocalStack

TEMPLATE = Path(__file__).parent / "sample" / "template.yaml"


def status(url: str) -> int:
    try:
        with urlopen(url, timeout=30) as answer:  # noqa: S310 - our own
            return int(answer.status)
    except HTTPError as error:
        return error.code


def main(folder: Path, manner: str) -> None:
    seen: dict[str, Any] = {"seeds": 0}

    def seed(base_url: str, cloud: LocalCloud) -> Mapping[str, Any]:
        seen["seeds"] += 1
        seen["main_door_while_seeding"] = status(f"{stack.base_url}/health")
        dynamodb = cloud.client("dynamodb")
        table = dynamodb.list_tables()["TableNames"][0]
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "seeded"}})
        if manner == "fails":
            raise LookupError("no such company")
        if manner == "dies":
            os._exit(9)
        return {"api_key": "key-1", "users": [], "seeded_for": base_url}

    settings = LocalSettings(port=0, folder=folder, template=TEMPLATE, reload=False)
    stack = LocalStack(settings, seed=seed, start_simulators=lambda _folder, _now: [])
    stack.start()
    try:
        public = folder / "credentials.json"
        seen["main_door_after"] = status(f"{stack.base_url}/health")
        seen["item"] = status(f"{stack.base_url}/seeded")
        seen["credentials"] = json.loads(public.read_text()) if public.exists() else None
        seen["mode"] = oct(public.stat().st_mode & 0o777) if public.exists() else None
        seen["base_url"] = stack.base_url
        if manner == "reset":
            stack.reset()
            seen["item_after_reset"] = status(f"{stack.base_url}/seeded")
    finally:
        stack.stop()
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
