"""What Lambda would mount, made for this machine.

``sam build`` writes arm64 artifacts; few developers sit at such a machine. The functions and the
common layer are Python alone and run anywhere, the dependency layer holds libraries for one
processor. Here that layer is put together from the installed packages of the same lock and
finished by the same steps, so that ``make run BUILT=1`` and the tests run what is deployed: each
function sees its own package, the two layers, and nothing else of this repository.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import yaml
from packaging.requirements import Requirement

from infra.local.cloud.model import LocalCloudError
from infra.local.template import read_yaml
from infra.tools.finish_build import compile_sources, trim_data, trim_packages
from layers.dependencies.build_layer import logical_lines

ROOT: Final = Path(__file__).resolve().parents[2]
LOCK: Final = ROOT / "requirements" / "runtime.txt"
FOLDER: Final = ROOT / "build" / "host"
_IGNORED: Final = shutil.ignore_patterns("__pycache__", "*.pyc")


class HostBuildError(LocalCloudError):
    """The artifacts cannot be made; the message says what is missing."""


def packages(folder: Path = FOLDER) -> Path:
    """The dependency layer of this machine, made once per lock and interpreter.

    Raises: HostBuildError when an installed package is not the one of the lock.
    """
    key = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    layer = folder / f"packages-{key}"
    if not layer.is_dir():
        unfinished = layer.with_name(f"{layer.name}.{os.getpid()}")
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy_installed(unfinished / "python")
        trim_packages(unfinished / "python")
        trim_data(unfinished / "python")
        compile_sources([unfinished], Path(sys.executable))
        try:
            unfinished.rename(layer)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished)
    return layer


def _copy_installed(target: Path) -> None:
    for line in logical_lines(LOCK.read_text(encoding="utf-8")):
        requirement = Requirement(line.split(" --hash=")[0])
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        installed = metadata.distribution(requirement.name)
        if installed.version not in requirement.specifier:
            raise HostBuildError(
                f"{requirement.name} {installed.version} is installed, the lock says "
                f"{requirement.specifier}: run make test, which installs it"
            )
        for path in installed.files or ():
            source = Path(str(installed.locate_file(path)))
            if ".." in path.parts or "__pycache__" in path.parts or not source.is_file():
                continue
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / path)


def assemble(template: Path, folder: Path) -> Path:
    """Lay functions and the common layer out as ``sam build`` does; gives the built template.

    Shapes: one folder per package of functions, which its functions share, because nothing writes
    into it; one per layer, mounted at ``python``.
    """
    shutil.rmtree(folder, ignore_errors=True)
    source = template.parent
    built: dict[str, Any] = read_yaml(template)
    for logical_id, resource in built["Resources"].items():
        properties = resource.get("Properties", {})
        build = (resource.get("Metadata") or {}).get("BuildProperties") or {}
        if resource["Type"] == "AWS::Serverless::Function":
            package = build["ParentPackages"]
            artifact = folder / f"function-{package}"
            if not artifact.is_dir():
                shutil.copytree(
                    source / properties["CodeUri"],
                    artifact.joinpath(*package.split(".")),
                    ignore=_IGNORED,
                )
            properties["CodeUri"] = artifact.name
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            code = source / properties["ContentUri"]
            # Of the dependency layer only its list is laid out: `packages` makes what it lists.
            listed = (code / "requirements.txt").exists()
            mounted = folder / logical_id if listed else folder / logical_id / "python"
            shutil.copytree(code, mounted, ignore=_IGNORED)
            properties["ContentUri"] = logical_id
        elif resource["Type"] == "AWS::CloudFormation::Stack":
            properties["TemplateURL"] = str(source / properties["TemplateURL"])
        elif "DefinitionUri" in properties:
            properties["DefinitionUri"] = str(source / properties["DefinitionUri"])
    compile_sources([folder], Path(sys.executable))
    written = folder / "template.yaml"
    written.write_text(yaml.safe_dump(built, sort_keys=False), encoding="utf-8")
    return written
