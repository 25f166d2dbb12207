"""Makes the resources of a template real: one method per resource type, nothing else hidden.

What survives a restart (keys, secrets, items, objects, messages) is found again under the name of
its resource; what has no memory is simply made again. Types without a method are declared only:
they get attributes, so that references to them work, and are listed in the deployment.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError
from moto.kms.models import kms_backends

from infra.local.cloud.journal import Vault
from infra.local.cloud.model import (
    DeclaredOnly,
    Deployment,
    EventSourceMapping,
    FunctionSpec,
    InputTransformer,
    Json,
    Rule,
    Schedule,
    Target,
    function_name_of,
    last_arn_part,
)
from infra.local.cloud.secrets_store import restore_secret
from infra.local.cloud.sqs_engine import SqsEngine
from infra.local.template import LOCAL_BUCKET, Attributes, Resource, Scope, Stack, TemplateError

_QUEUE_SETTINGS: Final = (
    "VisibilityTimeout",
    "DelaySeconds",
    "MessageRetentionPeriod",
    "MaximumMessageSize",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
)
_EXISTS: Final = ("AlreadyExists", "BucketAlreadyOwnedByYou", "ResourceInUseException")


@dataclass(slots=True)
class _Collected:
    """What the runtime half will be told, gathered while resources are made."""

    functions: list[FunctionSpec] = field(default_factory=list)
    http_api_body: Json = None
    http_api_id: str = ""
    mappings: list[EventSourceMapping] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    declared_only: list[DeclaredOnly] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    queues: list[str] = field(default_factory=list)
    buckets: list[str] = field(default_factory=list)
    buses: list[str] = field(default_factory=lambda: ["default"])
    state_machines: list[str] = field(default_factory=list)
    physical_ids: dict[str, str] = field(default_factory=dict)
    mail_event_types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    layers: dict[str, Path] = field(default_factory=dict)
    async_dead_letters: dict[str, str] = field(default_factory=dict)


class Deployer:
    """Deploys one template; a :class:`infra.local.template.Creator`."""

    def __init__(
        self,
        *,
        scope: Scope,
        client: Callable[[str], Any],
        sqs: SqsEngine,
        vault: Vault,
        restore_table: Callable[[str], None],
        restore_bucket: Callable[[str], None],
        restore_state_machine: Callable[[str], None],
        packages: Path | None,
    ) -> None:
        self._scope = scope
        self._client = client
        self._sqs = sqs
        self._vault = vault
        self._restore_table = restore_table
        self._restore_bucket = restore_bucket
        self._restore_state_machine = restore_state_machine
        self._packages = packages
        self._root = Path()
        self._got = _Collected()
        self._makers: Mapping[str, Callable[[Resource], Attributes]] = {
            "AWS::ApiGatewayV2::Api": self._http_api,
            "AWS::DynamoDB::Table": self._table,
            "AWS::Events::EventBus": self._bus,
            "AWS::Events::Rule": self._rule,
            "AWS::KMS::Alias": self._key_alias,
            "AWS::KMS::Key": self._key,
            "AWS::Lambda::EventInvokeConfig": self._event_invoke_config,
            "AWS::Lambda::EventSourceMapping": self._event_source_mapping,
            "AWS::Lambda::Function": self._function,
            "AWS::Lambda::LayerVersion": self._layer,
            "AWS::S3::Bucket": self._bucket,
            "AWS::SES::ConfigurationSet": self._configuration_set,
            "AWS::SES::ConfigurationSetEventDestination": self._event_destination,
            "AWS::SES::EmailIdentity": self._email_identity,
            "AWS::SQS::Queue": self._queue,
            "AWS::SSM::Parameter": self._parameter,
            "AWS::Scheduler::Schedule": self._schedule,
            "AWS::SecretsManager::Secret": self._secret,
            "AWS::StepFunctions::StateMachine": self._state_machine,
        }

    def deploy(self, template: Path, parameters: Mapping[str, str], stack_name: str) -> Deployment:
        """Deploy a template and everything nested in it.

        Raises: TemplateError.
        """
        self._root = template.parent
        self._got = _Collected()
        stack = Stack(template, stack_name, parameters, scope=self._scope, creator=self)
        outputs = stack.deploy()
        got = self._got
        functions = [
            replace(spec, dlq_arn=spec.dlq_arn or got.async_dead_letters.get(spec.name))
            for spec in got.functions
        ]
        return Deployment(
            stack_name=stack_name,
            parameters=dict(stack.parameters),
            functions=tuple(functions),
            http_api_body=got.http_api_body,
            http_api_id=got.http_api_id,
            event_source_mappings=tuple(got.mappings),
            schedules=tuple(got.schedules),
            rules=tuple(got.rules),
            outputs=outputs,
            declared_only=tuple(got.declared_only),
            physical_ids=got.physical_ids,
            tables=tuple(got.tables),
            queues=tuple(got.queues),
            buckets=tuple(got.buckets),
            buses=tuple(got.buses),
            state_machines=tuple(got.state_machines),
            mail_event_types=got.mail_event_types,
        )

    # ------------------------------------------------------------------ Creator

    def emulates(self, resource_type: str) -> bool:
        """Whether there is a method for this type."""
        return resource_type in self._makers

    def create(self, resource: Resource) -> Attributes:
        """Make one resource.

        Raises: TemplateError naming the resource when a service refuses it.
        """
        try:
            attributes = self._makers[resource.resource_type](resource)
        except ClientError as error:
            raise TemplateError(f"{resource.path}: {error}") from error
        except KeyError as missing:
            raise TemplateError(f"{resource.path} lacks the property {missing}") from missing
        self._got.physical_ids[resource.path] = attributes["Ref"]
        return attributes

    def declare(self, resource: Resource) -> Attributes:
        """Attributes of a resource that is only declared."""
        self._got.declared_only.append(DeclaredOnly(resource.path, resource.resource_type))
        name = resource.generated_name
        match resource.resource_type:
            case "AWS::IAM::Role":
                arn = self._arn("iam", f"role/{name}", region=False)
                return {"Ref": name, "Arn": arn, "RoleId": f"AROA{name}"}
            case "AWS::IAM::ManagedPolicy":
                arn = self._arn("iam", f"policy/{name}", region=False)
                return {"Ref": arn, "PolicyArn": arn}
            case "AWS::SNS::Topic":
                arn = self._arn("sns", name)
                return {"Ref": arn, "TopicArn": arn, "TopicName": name}
            case "AWS::Logs::LogGroup":
                return {"Ref": name, "Arn": self._arn("logs", f"log-group:{name}:*")}
            case "AWS::CloudFront::Distribution":
                return {"Ref": name, "Id": name, "DomainName": f"{name.lower()}.cloudfront.net"}
            case kind:
                service = kind.split("::")[1].lower()
                return {"Ref": name, "Id": name, "Name": name, "Arn": self._arn(service, name)}

    # ------------------------------------------------------------------ what keeps data

    def _table(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("TableName") or resource.generated_name
        request: dict[str, Any] = {
            key: p[key]
            for key in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
            if p.get(key)
        }
        for index in request.get("GlobalSecondaryIndexes", ()):
            if len(index["IndexName"]) < 3:
                raise TemplateError(
                    f"{resource.path}: index name {index['IndexName']!r} is too short; AWS takes "
                    "3 to 255 characters"
                )
        client = self._client("dynamodb")
        if self._make(
            lambda: client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **request)
        ):
            ttl = p.get("TimeToLiveSpecification")
            if ttl:
                client.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
            self._restore_table(name)
        self._got.tables.append(name)
        return {"Ref": name, "Arn": self._arn("dynamodb", f"table/{name}")}

    def _bucket(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("BucketName") or resource.generated_name.lower()
        client = self._client("s3")
        request: dict[str, Any] = {"ObjectLockEnabledForBucket": bool(p.get("ObjectLockEnabled"))}
        if self._scope.region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": self._scope.region}
        made = self._make(lambda: client.create_bucket(Bucket=name, **request))
        if made:
            versioning = p.get("VersioningConfiguration")
            if versioning:
                client.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
            lock = p.get("ObjectLockConfiguration")
            if lock:
                client.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
            encryption = p.get("BucketEncryption")
            if encryption:
                client.put_bucket_encryption(
                    Bucket=name,
                    ServerSideEncryptionConfiguration={
                        "Rules": [
                            {
                                "ApplyServerSideEncryptionByDefault": one[
                                    "ServerSideEncryptionByDefault"
                                ],
                                "BucketKeyEnabled": bool(one.get("BucketKeyEnabled")),
                            }
                            for one in encryption["ServerSideEncryptionConfiguration"]
                        ]
                    },
                )
            self._restore_bucket(name)
        self._got.buckets.append(name)
        return {
            "Ref": name,
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{self._scope.region}.amazonaws.com",
        }

    def _key(self, resource: Resource) -> Attributes:
        backend = kms_backends[self._scope.account_id][self._scope.region]
        known = self._vault.get("kms", resource.path)
        key_id: str
        if known is not None and known["id"] in backend.keys:
            key_id = known["id"]
        else:
            p = resource.properties
            key = backend.create_key(
                None,
                p.get("KeyUsage", "ENCRYPT_DECRYPT"),
                p.get("KeySpec", "SYMMETRIC_DEFAULT"),
                p.get("Description", ""),
                None,
            )
            if known is None:
                document = {"id": key.id, "material": key.key_material.hex()}
                if key.private_key is not None:
                    document["private"] = _private_text(key.private_key)
                self._vault.put("kms", resource.path, document)
            else:
                # The same key as before the restart: id, ARN and material, or nothing that was
                # sealed with it can be opened.
                del backend.keys[key.id]
                key.arn = key.arn.replace(key.id, known["id"])
                key.id = known["id"]
                key.key_material = bytes.fromhex(known["material"])
                if "private" in known:
                    key.private_key.private_key = _private_key(known["private"])
                backend.keys[key.id] = key
            key_id = key.id
        return {"Ref": key_id, "KeyId": key_id, "Arn": self._arn("kms", f"key/{key_id}")}

    def _key_alias(self, resource: Resource) -> Attributes:
        p = resource.properties
        self._make(
            lambda: self._client("kms").create_alias(
                AliasName=p["AliasName"], TargetKeyId=p["TargetKeyId"]
            )
        )
        return {"Ref": p["AliasName"]}

    def _secret(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("Name") or resource.generated_name
        arn = restore_secret(self._scope, self._vault, name)
        if arn is None:
            arn = self._client("secretsmanager").create_secret(
                Name=name,
                SecretString=_secret_value(p),
                Description=p.get("Description", ""),
            )["ARN"]
        return {"Ref": arn, "Id": arn}

    def _queue(self, resource: Resource) -> Attributes:
        p = resource.properties
        suffix = ".fifo" if p.get("FifoQueue") else ""
        name = p.get("QueueName") or resource.generated_name + suffix
        settings = {
            key: json.dumps(value) if isinstance(value, dict) else _lower(value)
            for key, value in p.items()
            if key in _QUEUE_SETTINGS
        }
        url = self._sqs.create_queue(name, settings, update=True)
        self._got.queues.append(name)
        return {"Ref": url, "QueueUrl": url, "QueueName": name, "Arn": self._sqs.arn(name)}

    def _parameter(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("Name") or resource.generated_name
        self._client("ssm").put_parameter(
            Name=name, Value=p["Value"], Type=p["Type"], Overwrite=True
        )
        return {"Ref": name, "Type": p["Type"], "Value": p["Value"]}

    # ------------------------------------------------------------------ what moves

    def _bus(self, resource: Resource) -> Attributes:
        name = resource.properties["Name"]
        self._make(lambda: self._client("events").create_event_bus(Name=name))
        self._got.buses.append(name)
        return {"Ref": name, "Name": name, "Arn": self._arn("events", f"event-bus/{name}")}

    def _rule(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("Name") or resource.generated_name
        enabled = p.get("State", "ENABLED") == "ENABLED"
        targets = tuple(_target(one) for one in p.get("Targets") or ())
        if p.get("ScheduleExpression"):
            self._got.schedules.extend(
                Schedule(resource.logical_id, name, p["ScheduleExpression"], "UTC", target, enabled)
                for target in targets
            )
        else:
            pattern = p["EventPattern"]
            self._got.rules.append(
                Rule(
                    logical_id=resource.logical_id,
                    name=name,
                    bus=(p.get("EventBusName") or "default").rsplit("/", 1)[-1],
                    pattern=json.loads(pattern) if isinstance(pattern, str) else pattern,
                    targets=targets,
                    enabled=enabled,
                )
            )
        return {"Ref": name, "Arn": self._arn("events", f"rule/{name}")}

    def _schedule(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("Name") or resource.generated_name
        self._got.schedules.append(
            Schedule(
                logical_id=resource.logical_id,
                name=name,
                expression=p["ScheduleExpression"],
                timezone=p.get("ScheduleExpressionTimezone") or "UTC",
                target=_target({"Id": resource.logical_id, **p["Target"]}),
                enabled=p.get("State", "ENABLED") == "ENABLED",
            )
        )
        return {"Ref": name, "Arn": self._arn("scheduler", f"schedule/default/{name}")}

    def _event_source_mapping(self, resource: Resource) -> Attributes:
        p = resource.properties
        source = p["EventSourceArn"]
        if source.split(":")[2] != "sqs":
            raise TemplateError(f"{resource.path}: only queues can call functions here")
        filters = (p.get("FilterCriteria") or {}).get("Filters") or ()
        self._got.mappings.append(
            EventSourceMapping(
                logical_id=resource.logical_id,
                source_arn=source,
                queue_name=last_arn_part(source),
                function_name=function_name_of(p["FunctionName"]),
                batch_size=int(p.get("BatchSize") or 10),
                window_seconds=float(p.get("MaximumBatchingWindowInSeconds") or 0),
                maximum_concurrency=_optional_int(
                    (p.get("ScalingConfig") or {}).get("MaximumConcurrency")
                ),
                report_batch_item_failures=(
                    "ReportBatchItemFailures" in (p.get("FunctionResponseTypes") or ())
                ),
                filters=tuple(json.loads(one["Pattern"]) for one in filters),
                enabled=p.get("Enabled", True) not in (False, "false"),
            )
        )
        return {"Ref": resource.generated_name, "Id": resource.generated_name}

    def _configuration_set(self, resource: Resource) -> Attributes:
        name = resource.properties.get("Name") or resource.generated_name
        self._make(
            lambda: self._client("sesv2").create_configuration_set(ConfigurationSetName=name)
        )
        self._got.mail_event_types.setdefault(name, ())
        return {"Ref": name}

    def _event_destination(self, resource: Resource) -> Attributes:
        p = resource.properties
        destination = p["EventDestination"]
        if destination.get("Enabled", True) and destination.get("EventBridgeDestination"):
            name = p["ConfigurationSetName"]
            earlier = self._got.mail_event_types.get(name, ())
            self._got.mail_event_types[name] = (*earlier, *destination["MatchingEventTypes"])
        return {"Ref": resource.generated_name, "Id": resource.generated_name}

    def _email_identity(self, resource: Resource) -> Attributes:
        identity = resource.properties["EmailIdentity"]
        self._make(lambda: self._client("sesv2").create_email_identity(EmailIdentity=identity))
        return {"Ref": identity}

    # ------------------------------------------------------------------ what runs

    def _function(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("FunctionName") or resource.generated_name
        arn = self._arn("lambda", f"function:{name}")
        variables = (p.get("Environment") or {}).get("Variables") or {}
        self._got.functions.append(
            FunctionSpec(
                logical_id=resource.logical_id,
                name=name,
                arn=arn,
                handler=p["Handler"],
                code_dir=self._local_path(resource, p["Code"]),
                layer_dirs=tuple(
                    self._got.layers[layer]
                    for layer in p.get("Layers") or ()
                    if layer in self._got.layers
                ),
                env={key: str(value) for key, value in variables.items()},
                timeout=int(p.get("Timeout") or 3),
                memory=int(p.get("MemorySize") or 128),
                reserved_concurrency=_optional_int(p.get("ReservedConcurrentExecutions")),
                dlq_arn=(p.get("DeadLetterConfig") or {}).get("TargetArn"),
                built=self._packages is not None,
            )
        )
        return {"Ref": name, "Arn": arn}

    def _event_invoke_config(self, resource: Resource) -> Attributes:
        p = resource.properties
        failure = ((p.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        if failure:
            self._got.async_dead_letters[function_name_of(p["FunctionName"])] = failure
        return {"Ref": resource.generated_name}

    def _layer(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("LayerName") or resource.generated_name
        arn = self._arn("lambda", f"layer:{name}:1")
        folder = self._local_path(resource, p["Content"])
        if _holds_packages(folder):
            # Built for Lambda's processor, or not at all: this machine has its own, or uses the
            # interpreter's environment.
            if self._packages is not None:
                self._got.layers[arn] = self._packages / "python"
        else:
            mounted = folder / "python"
            self._got.layers[arn] = mounted if mounted.is_dir() else folder
        return {"Ref": arn, "LayerVersionArn": arn}

    def _http_api(self, resource: Resource) -> Attributes:
        if self._got.http_api_body is not None:
            raise TemplateError(f"{resource.path}: the local stack serves one HTTP API")
        identifier = "local" + resource.logical_id.lower()[:5]
        self._got.http_api_body = resource.properties["Body"]
        self._got.http_api_id = identifier
        endpoint = f"https://{identifier}.execute-api.{self._scope.region}.amazonaws.com"
        return {"Ref": identifier, "ApiId": identifier, "ApiEndpoint": endpoint}

    def _state_machine(self, resource: Resource) -> Attributes:
        p = resource.properties
        name = p.get("StateMachineName") or resource.generated_name
        definition = p.get("DefinitionString") or json.dumps(p["Definition"])
        for key, value in (p.get("DefinitionSubstitutions") or {}).items():
            definition = definition.replace("${" + key + "}", str(value))
        arn = self._arn("states", f"stateMachine:{name}")
        client = self._client("stepfunctions")
        known = {one["stateMachineArn"] for one in client.list_state_machines()["stateMachines"]}
        role = p.get("RoleArn") or self._arn("iam", "role/local", region=False)
        if arn in known:
            client.update_state_machine(stateMachineArn=arn, definition=definition, roleArn=role)
        else:
            client.create_state_machine(
                name=name,
                definition=definition,
                roleArn=role,
                type=p.get("StateMachineType", "STANDARD"),
            )
            self._restore_state_machine(arn)
        self._got.state_machines.append(arn)
        return {"Ref": arn, "Arn": arn, "Name": name}

    # ------------------------------------------------------------------ helpers

    def _arn(self, service: str, rest: str, *, region: bool = True) -> str:
        where = self._scope.region if region else ""
        return f"arn:aws:{service}:{where}:{self._scope.account_id}:{rest}"

    def _make(self, create: Callable[[], object]) -> bool:
        """Create something; False when it is already there."""
        try:
            create()
        except ClientError as error:
            if any(text in error.response["Error"]["Code"] for text in _EXISTS):
                return False
            raise
        return True

    def _local_path(self, resource: Resource, code: Mapping[str, str]) -> Path:
        if code.get("S3Bucket") != LOCAL_BUCKET:
            raise TemplateError(f"{resource.path}: its code is not a local path")
        path = self._root / code["S3Key"]
        if not path.is_dir():
            raise TemplateError(f"{resource.path}: there is no folder {code['S3Key']}")
        return path.resolve()


def _holds_packages(layer: Path) -> bool:
    installed = next((layer / "python").glob("*.dist-info"), None)
    return installed is not None or (layer / "requirements.txt").exists()


def _target(p: Mapping[str, Json]) -> Target:
    transformer = p.get("InputTransformer")
    return Target(
        target_id=p["Id"],
        arn=p["Arn"],
        input=p.get("Input"),
        input_path=p.get("InputPath"),
        transformer=None
        if transformer is None
        else InputTransformer(transformer.get("InputPathsMap") or {}, transformer["InputTemplate"]),
        message_group_id=(p.get("SqsParameters") or {}).get("MessageGroupId"),
        dlq_arn=(p.get("DeadLetterConfig") or {}).get("Arn"),
        maximum_retries=int((p.get("RetryPolicy") or {}).get("MaximumRetryAttempts", 2)),
    )


def _secret_value(p: Mapping[str, Json]) -> str:
    """The given value, or a generated one, as CloudFormation does it."""
    rule = p.get("GenerateSecretString")
    if rule is None:
        return str(p.get("SecretString") or "{}")
    alphabet = string.ascii_letters + string.digits
    if not rule.get("ExcludePunctuation"):
        alphabet += string.punctuation
    excluded = rule.get("ExcludeCharacters", "")
    letters = [letter for letter in alphabet if letter not in excluded]
    value = "".join(secrets.choice(letters) for _ in range(int(rule.get("PasswordLength", 32))))
    template = rule.get("SecretStringTemplate")
    if not template:
        return value
    return json.dumps({**json.loads(template), rule["GenerateStringKey"]: value})


def _lower(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _optional_int(value: Json) -> int | None:
    return None if value is None else int(value)


def _private_text(key: Any) -> str:
    """An asymmetric key of the emulated KMS, so that what it signed verifies after a restart."""
    from cryptography.hazmat.primitives import serialization

    text: bytes = key.private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return text.decode()


def _private_key(text: str) -> Any:
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(text.encode(), None)
