"""The joined field register that ships with the workspace, see ``infra.tools.field_register``."""

import json
from pathlib import Path
from typing import Final

from workspace.domain.field_register import FieldRegister

PATH: Final = Path(__file__).with_suffix(".json")


def read_field_register() -> FieldRegister:
    """The register as it was joined."""
    return FieldRegister(tuple(json.loads(PATH.read_text(encoding="utf-8"))))
