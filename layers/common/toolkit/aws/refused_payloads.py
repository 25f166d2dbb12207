"""How texts of refused events are searched for people; they are only ever erased whole."""

import json
from typing import Any, Final

from toolkit.aws.personal_records import Codec


def _members(text: str) -> Any:
    """An event as it came; one that cannot be read names nobody."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


PAYLOADS: Final = Codec(pack=lambda _: "", unpack=_members)
