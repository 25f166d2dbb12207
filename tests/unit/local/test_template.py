"""Templates become resources as CloudFormation would make them, or are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from infra.local.template import Attributes, Resource, Scope, Stack, TemplateError, load_template

SCOPE = Scope("eu-central-1", "123456789012")


class Notes:
    """A creator that makes nothing and remembers everything."""

    def __init__(self) -> None:
        self.made: dict[str, Resource] = {}
        self.declared: list[str] = []

    def emulates(self, resource_type: str) -> bool:
        return not resource_type.startswith(("AWS::CloudWatch::", "AWS::IAM::"))

    def create(self, resource: Resource) -> Attributes:
        self.made[resource.path] = resource
        return {"Ref": f"ref-{resource.logical_id}", "Arn": f"arn-{resource.logical_id}"}

    def declare(self, resource: Resource) -> Attributes:
        self.declared.append(resource.path)
        return {"Ref": f"declared-{resource.logical_id}", "Arn": f"arn-{resource.logical_id}"}


Deploy = Callable[..., tuple[dict[str, str], Notes]]


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    def run(text: str, **parameters: str) -> tuple[dict[str, str], Notes]:
        path = tmp_path / "template.yaml"
        path.write_text(dedent(text), encoding="utf-8")
        notes = Notes()
        stack = Stack(path, "kopru", parameters, scope=SCOPE, creator=notes)
        return stack.deploy(), notes

    return run


def evaluated(deploy: Deploy, expression: str, **parameters: str) -> Any:
    """What an expression means as a property."""
    _, notes = deploy(
        f"""
        Parameters:
          Stage: {{Type: String, Default: local}}
          Names: {{Type: CommaDelimitedList, Default: 'a,b'}}
          Size: {{Type: Number, Default: 5}}
        Mappings: {{Sizes: {{local: {{Memory: 256}}}}}}
        Conditions:
          IsLocal: !Equals [!Ref Stage, local]
          IsProd: !Not [!Condition IsLocal]
          Both: !And [!Condition IsLocal, !Condition IsProd]
          Either: !Or [!Condition IsLocal, !Condition IsProd]
        Resources:
          Other: {{Type: AWS::SQS::Queue}}
          Tested:
            Type: AWS::SQS::Queue
            Properties:
              Value: {indent(expression, " " * 14).strip()}
        """,
        **parameters,
    )
    return notes.made["Tested"].properties.get("Value", "nothing")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Ref Stage", "local"),
        ("!Ref Names", ["a", "b"]),
        ("!Ref Size", "5"),
        ("!Ref Other", "ref-Other"),
        ("!Ref AWS::Region", "eu-central-1"),
        ("!Ref AWS::NoValue", "nothing"),
        ("[1, !Ref AWS::NoValue, 2]", [1, 2]),
        ("!GetAtt Other.Arn", "arn-Other"),
        ("{Fn::GetAtt: [Other, Arn]}", "arn-Other"),
        ("!Sub '${Stage}-${Other.Arn}-${!Literal}'", "local-arn-Other-${Literal}"),
        ("!Sub ['${X}/${Stage}', {X: !Ref Other}]", "ref-Other/local"),
        ("!Join ['-', [a, !Ref Stage, !Ref Size]]", "a-local-5"),
        ("!Join [',', !Ref Names]", "a,b"),
        ("!Split ['#', 'a#b']", ["a", "b"]),
        ("!Select [1, !Ref Names]", "b"),
        ("!FindInMap [Sizes, !Ref Stage, Memory]", 256),
        ("!If [IsLocal, yes it is, !Ref Nobody]", "yes it is"),
        ("!If [IsProd, a, b]", "b"),
        ("!If [Both, a, b]", "b"),
        ("!If [Either, a, b]", "a"),
        ("!If [IsProd, a, !Ref AWS::NoValue]", "nothing"),
        ("!Base64 abc", "YWJj"),
        ("{Fn::ToJsonString: {a: !Ref Size}}", '{"a": "5"}'),
        (
            "{Statement: [{Condition: {Bool: {x: !Ref Stage}}}]}",
            {"Statement": [{"Condition": {"Bool": {"x": "local"}}}]},
        ),
    ],
)
def test_intrinsics(deploy: Deploy, expression: str, value: object) -> None:
    assert evaluated(deploy, expression) == value


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("!Ref Nobody", "Tested: Nothing is called Nobody"),
        ("!GetAtt Other.Color", "Other.Color, which the local AWS::SQS::Queue does not have"),
        ("!FindInMap [Sizes, prod, Memory]", "no entry Sizes.prod.Memory"),
        ("!ImportValue x", "Fn::ImportValue, which the local stack does not know"),
        ("!If [Nonsense, a, b]", "no condition Nonsense"),
        ("!Ref Tested", "in a circle: Tested → Tested"),
    ],
)
def test_mistakes_are_named(deploy: Deploy, expression: str, complaint: str) -> None:
    with pytest.raises(TemplateError, match=complaint):
        evaluated(deploy, expression)


def test_parameters_are_checked(deploy: Deploy) -> None:
    template = """
    Parameters:
      Stage: {Type: String, AllowedValues: [local, prod]}
    Resources: {Q: {Type: AWS::SQS::Queue}}
    """
    deploy(template, Stage="prod")
    with pytest.raises(TemplateError, match="needs a value for parameter Stage"):
        deploy(template)
    with pytest.raises(TemplateError, match="'test' is not allowed for parameter Stage"):
        deploy(template, Stage="test")
    with pytest.raises(TemplateError, match="has no parameter Colour"):
        deploy(template, Stage="local", Colour="red")


def test_resources_come_in_order_of_need(deploy: Deploy) -> None:
    outputs, notes = deploy(
        """
        Conditions: {Never: !Equals [a, b]}
        Resources:
          First: {Type: AWS::SQS::Queue, Properties: {Dead: !GetAtt Second.Arn}}
          Second: {Type: AWS::SQS::Queue, DependsOn: Third}
          Third: {Type: AWS::SQS::Queue}
          Absent: {Type: AWS::SQS::Queue, Condition: Never}
          Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {Any: !Ref Nobody}}
        Outputs:
          One: {Value: !Ref First}
          None: {Value: !Ref Absent, Condition: Never}
        """
    )
    assert list(notes.made) == ["Third", "Second", "First"]
    assert notes.declared == ["Alarm"]
    assert outputs == {"One": "ref-First"}


def test_a_resource_whose_condition_does_not_hold_cannot_be_used(deploy: Deploy) -> None:
    with pytest.raises(TemplateError, match="Absent is referred to"):
        deploy(
            """
            Conditions: {Never: !Equals [a, b]}
            Resources:
              Absent: {Type: AWS::SQS::Queue, Condition: Never}
              User: {Type: AWS::SQS::Queue, Properties: {X: !Ref Absent}}
            """
        )


def test_nested_stacks_pass_parameters_down_and_outputs_up(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/child.yaml").write_text(
        dedent(
            """
            Parameters: {Names: {Type: CommaDelimitedList}, Flag: {Type: String}}
            Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {Names: !Ref Names}}}
            Outputs: {Queue: {Value: !Ref Queue}, Flag: {Value: !Ref Flag}}
            """
        ),
        encoding="utf-8",
    )
    root = tmp_path / "template.yaml"
    root.write_text(
        dedent(
            """
            Resources:
              Child:
                Type: AWS::CloudFormation::Stack
                Properties:
                  TemplateURL: infra/child.yaml
                  Parameters: {Names: [a, b], Flag: true}
            Outputs:
              Queue: {Value: !GetAtt Child.Outputs.Queue}
              Flag: {Value: !GetAtt Child.Outputs.Flag}
            """
        ),
        encoding="utf-8",
    )
    notes = Notes()
    outputs = Stack(root, "kopru", {}, scope=SCOPE, creator=notes).deploy()
    assert outputs == {"Queue": "ref-Queue", "Flag": "true"}
    resource = notes.made["Child/Queue"]
    assert resource.properties == {"Names": ["a", "b"]}
    assert resource.generated_name == "kopru-Child-Queue"


class TestSam:
    def test_paths_become_local_uris_and_packages_their_root(self, sample: Path) -> None:
        resources = load_template(sample, {}, SCOPE)["Resources"]
        code = resources["PensionsApiFunction"]["Properties"]["Code"]
        assert code == {"S3Bucket": "local", "S3Key": "functions"}
        types = {resource["Type"] for resource in resources.values()}
        assert "AWS::Lambda::EventSourceMapping" in types
        assert "AWS::Scheduler::Schedule" in types
        assert not any(kind.startswith("AWS::Serverless") for kind in types)

    def test_a_package_that_does_not_end_the_path_is_refused(self, sample: Path) -> None:
        text = sample.read_text(encoding="utf-8")
        sample.write_text(
            text.replace("ParentPackages: pensions", "ParentPackages: other"), encoding="utf-8"
        )
        with pytest.raises(TemplateError, match="ParentPackages other does not end the path"):
            load_template(sample, {}, SCOPE)

    def test_what_sam_refuses_is_said(self, sample: Path) -> None:
        text = sample.read_text(encoding="utf-8")
        sample.write_text(text.replace("Type: ScheduleV2", "Type: Nonsense"), encoding="utf-8")
        with pytest.raises(TemplateError, match=r"SAM refuses template\.yaml"):
            load_template(sample, {}, SCOPE)


def test_files_that_are_no_templates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"There is no template"):
        load_template(tmp_path / "absent.yaml", {}, SCOPE)
    (tmp_path / "broken.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"broken\.yaml is not valid YAML"):
        load_template(tmp_path / "broken.yaml", {}, SCOPE)
    (tmp_path / "list.yaml").write_text("- a", encoding="utf-8")
    with pytest.raises(TemplateError, match="has no Resources"):
        load_template(tmp_path / "list.yaml", {}, SCOPE)
