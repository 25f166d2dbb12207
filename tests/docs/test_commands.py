"""The commands of the documents, run in their order against a fresh local stack with demo data."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.client import RunningStack
from infra.local.settings import ROOT
from tests.support.running_stack import running_stack

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"^(<!-- refused -->\n)?```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = ROOT / "README.md"
DOCUMENTS = [*sorted((ROOT / "docs").rglob("*.md")), README]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def _blocks(document: Path) -> list[tuple[bool, str]]:
    """Whether the API refuses the example, and its commands."""
    return [(bool(refused), code) for refused, code in BLOCK.findall(_text(document))]


def _text(document: Path) -> str:
    text = document.read_text(encoding="utf-8")
    if document != README:
        return text
    # The other commands of the README start, stop and break stacks.
    return text.partition("\n## The same by program\n")[2].partition("\n## ")[0]


WITH_COMMANDS = [path for path in DOCUMENTS if "curl" in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningStack, Path]]:
    folder = tmp_path_factory.mktemp("docs") / "state"
    with running_stack(folder) as running:
        yield running, folder


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda path: path.stem)
def test_the_commands_of_a_document_work(stack: tuple[RunningStack, Path], document: Path) -> None:
    running, folder = stack
    # A client that needs no curl, and that fails where the API refuses.
    client = shlex.join([sys.executable, str(Path(__file__).with_name("client.py"))])
    script = [f'curl() {{ {client} "$@"; }}']
    for refused, code in _blocks(document):
        script += ["set +e" if refused else "set -e", code]
    _run(["/bin/sh"], "\n".join(script), running, folder)
    if document == README:
        # It goes on where the commands ended.
        (program,) = PROGRAM.findall(_text(document))
        said = _run([sys.executable, "-"], program, running, folder)
        assert "invalid_input" in said
        assert "/national_id" in said
        assert "'policies'" in said


def _run(command: list[str], text: str, running: RunningStack, folder: Path) -> str:
    text = text.replace("localhost:8000", running.base_url.removeprefix("http://"))
    done = subprocess.run(
        command,
        input=text.replace(".local/credentials.json", str(folder / "credentials.json")),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    return done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert missing == []
