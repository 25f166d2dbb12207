"""What the guide to deployment says about examples and quotas is what the templates hold."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.infra import stack

GUIDE = stack.ROOT / "docs" / "operate" / "deploy.md"
TEXT = GUIDE.read_text(encoding="utf-8")


def _needed(quota: str) -> int:
    (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| {quota} |"))
    found = re.match(r"[0-9,]+", row.split("|")[3].strip())
    assert found is not None, row
    return int(found[0].replace(",", ""))


def _count(kind: str) -> int:
    """Resources of a kind in the template and in all nested ones."""
    own = [each for each in stack.transformed()["Resources"].values() if each["Type"] == kind]
    nested = (stack.ROOT / "infra").glob("*.yaml")
    return len(own) + sum(
        len(re.findall(rf"^    Type: {kind}$", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in nested
    )


def test_quotas_are_counted() -> None:
    assert _needed("Lambda: functions") == _count("AWS::Lambda::Function")
    assert _needed("CloudFormation: resources of a stack") == len(stack.transformed()["Resources"])
    assert _needed("CloudWatch: alarms") == _count("AWS::CloudWatch::Alarm")
    assert _needed("SQS: queues") == _count("AWS::SQS::Queue")
    assert _needed("IAM: managed policies") == _count("AWS::IAM::ManagedPolicy")
    assert _needed("IAM: roles") == _count("AWS::IAM::Role")


def test_the_loop_names_the_function_of_every_example() -> None:
    (loop,) = re.findall(r"```console\n(for file in events.*?)```", TEXT, re.DOTALL)
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-e"],
        input=f'sam() {{ echo "$3 $5"; }}\n{loop}',
        cwd=stack.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, str] = {}
    for line in done.stdout.splitlines():
        function, _, example = line.partition(" ")
        said[example] = function
    kept = ("events/answers/", "events/schemas/", "events/inbound/")
    examples = {
        str(path.relative_to(stack.ROOT))
        for path in (stack.ROOT / "events").glob("*/*.json")
        if not str(path.relative_to(stack.ROOT)).startswith(kept)
    }
    assert set(said) == examples
    known = set(stack.functions())
    assert {name for name in said.values() if name not in known} == set()


def test_every_parameter_of_the_template_is_explained() -> None:
    rows = "\n".join(line for line in TEXT.splitlines() if line.lstrip().startswith("| `"))
    told = set(re.findall(r"`([A-Z]\w+)`", rows))
    assert set(stack.source()["Parameters"]) <= told


def test_the_stages_of_the_guide_are_those_of_the_configuration() -> None:
    text = Path(stack.ROOT / "samconfig.toml").read_text(encoding="utf-8")
    stages = re.findall(r"^\[(\w+)\.deploy\.parameters\]", text, re.MULTILINE)
    assert stages
    assert all(f"`{stage}`" in TEXT for stage in stages)
