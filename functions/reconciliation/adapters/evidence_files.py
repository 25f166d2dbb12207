"""Evidence packs as archives: equal packs give equal bytes."""

import io
import zipfile
from typing import Final

from kernel.files import UploadedFile
from reconciliation.domain.evidence import EvidencePack

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def archive(pack: EvidencePack, name: str) -> UploadedFile:
    """The pack as a zip file: ``evidence.json`` and the files it names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(zipfile.ZipInfo("evidence.json", _EPOCH), pack.document)
        for file in pack.files:
            target.writestr(zipfile.ZipInfo(file.name, _EPOCH), file.content)
    return UploadedFile(buffer.getvalue(), "application/zip", f"{name}.zip")
