"""Downloads the dependency layer for Lambda: arm64, Python 3.13, hashes checked, from any host.

The pip build of SAM needs a Python 3.13 on the machine, evaluates environment markers for the host
and drops the hashes in its second pass. Here the markers are evaluated for the function's own
environment, and pip is then asked for exactly those pinned and hashed wheels.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

PYTHON_VERSION: Final = "3.13"
ARCHITECTURE: Final = "aarch64"
# Amazon Linux 2023 has glibc 2.34; pip does not derive the older, compatible tags by itself.
PLATFORMS: Final = tuple(
    [f"manylinux_2_{minor}_{ARCHITECTURE}" for minor in range(34, 16, -1)]
    + [f"manylinux2014_{ARCHITECTURE}"]
)
ENVIRONMENT: Final = {
    "implementation_name": "cpython",
    "implementation_version": "3.13.0",
    "os_name": "posix",
    "platform_machine": ARCHITECTURE,
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.13.0",
    "python_version": PYTHON_VERSION,
    "sys_platform": "linux",
}


def logical_lines(text: str) -> list[str]:
    """Requirement lines with their continuation lines joined; comments and options left out."""
    joined = text.replace("\\\n", " ")
    return [
        " ".join(line.split())
        for line in joined.splitlines()
        if line.strip() and not line.lstrip().startswith(("#", "-"))
    ]


def for_lambda(text: str) -> list[str]:
    """Pinned requirements that apply in Lambda, with hashes and without markers.

    Raises: ValueError for a requirement that is not pinned or has no hash.
    """
    kept = []
    for line in logical_lines(text):
        specification, *hashes = line.split(" --hash=")
        requirement = Requirement(specification)
        pins = [pin for pin in requirement.specifier if pin.operator == "=="]
        if len(pins) != 1 or not hashes:
            message = f"{requirement.name} is not pinned with hashes"
            raise ValueError(message)
        if requirement.marker is None or requirement.marker.evaluate(ENVIRONMENT):
            options = "".join(f" --hash={value.strip()}" for value in hashes)
            kept.append(f"{requirement.name}=={pins[0].version}{options}")
    return kept


def install(requirements: Sequence[str], target: Path) -> None:
    """Unpack exactly these wheels below ``target``."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--requirement", str(listed), "--target", str(target), "--no-compile"),
            *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--implementation", "cp", "--python-version", PYTHON_VERSION),
            *(part for abi in ("cp313", "abi3", "none") for part in ("--abi", abi)),
            *(part for platform in PLATFORMS for part in ("--platform", platform)),
        ]
        subprocess.run(command, check=True)  # noqa: S603 - arguments are built above


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line used by the Makefile beside this module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requirements", type=Path, required=True)
    parser.add_argument("--target", type=Path, required=True)
    options = parser.parse_args(arguments)
    install(for_lambda(options.requirements.read_text(encoding="utf-8")), options.target)


if __name__ == "__main__":
    main()
