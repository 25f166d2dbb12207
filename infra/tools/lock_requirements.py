"""Locks ``requirements/*.in`` into hashed files, so that every machine installs the same wheels.

``dev.txt`` is resolved first and constrains ``runtime.txt``: what the tests run is what Lambda
runs. The dependency layer gets a copy of ``runtime.txt``, because its build sees only its own
folder. Every file carries a fingerprint of the inputs it was made from, which is how a test
without network knows that a lock is stale.
"""

import argparse
import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "requirements"
LAYER_COPY: Final = ROOT / "layers" / "dependencies" / "requirements.txt"
FINGERPRINT: Final = "# inputs sha256: "

# In the order they are resolved: name of the lock and the inputs that decide its content.
LOCKS: Final[dict[str, tuple[str, ...]]] = {
    "dev": ("dev.in", "runtime.in"),
    "runtime": ("runtime.in",),
    "build": ("build.in",),
    "peers": ("peers.in",),
}
CONSTRAINTS: Final = {"runtime": "dev.txt"}


def fingerprint(name: str, folder: Path = FOLDER) -> str:
    """Digest of the inputs of one lock, comments and blank lines left out.

    Shapes: two inputs that ask for the same packages have the same fingerprint.
    """
    digest = hashlib.sha256()
    for source in LOCKS[name]:
        for line in (folder / source).read_text(encoding="utf-8").splitlines():
            wanted = line.split(" #")[0].strip()
            if wanted and not wanted.startswith("#"):
                digest.update(f"{source}:{wanted}\n".encode())
    return digest.hexdigest()


def recorded_fingerprint(lock: Path) -> str | None:
    """Fingerprint written into a lock, or None when there is none."""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line.startswith(FINGERPRINT):
            return line.removeprefix(FINGERPRINT).strip()
    return None


def compile_lock(name: str, *, uv: str, upgrade: bool) -> None:
    """Resolve one lock for all platforms and Python versions the project supports."""
    lock = FOLDER / f"{name}.txt"
    command = [
        *(uv, "pip", "compile", str(FOLDER / f"{name}.in"), "--output-file", str(lock), "--quiet"),
        *("--universal", "--python-version", "3.11"),
        *("--generate-hashes", "--no-strip-extras"),
        *("--only-binary", ":all:", "--emit-build-options"),
        *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
        *("--custom-compile-command", "make requirements"),
    ]
    if name in CONSTRAINTS:
        command += ["--constraint", str(FOLDER / CONSTRAINTS[name])]
    if upgrade:
        command.append("--upgrade")
    subprocess.run(command, check=True)  # noqa: S603 - arguments are the constants above
    body = lock.read_text(encoding="utf-8")
    lock.write_text(f"{FINGERPRINT}{fingerprint(name)}\n{body}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of ``make requirements``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uv", default="uv", help="the uv executable to resolve with")
    parser.add_argument("--upgrade", action="store_true", help="take newer versions")
    options = parser.parse_args(arguments)
    for name in LOCKS:
        compile_lock(name, uv=options.uv, upgrade=options.upgrade)
    LAYER_COPY.write_bytes((FOLDER / "runtime.txt").read_bytes())


if __name__ == "__main__":
    main()
