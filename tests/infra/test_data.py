"""infra/data.yaml: what is kept is encrypted, recoverable and not deleted by accident."""

from typing import Any

import pytest

from tests.infra import stack
from tests.support import aws

DATA = stack.NESTED["Data"]
ROLES = {
    "CoreTable": "core",
    "LedgerTable": "ledger",
    "FlowTable": "flow",
    "SecretsTable": "secrets",
    "AuditTable": "audit",
    "EdgeTable": "edge",
}
RECOVERY_DAYS = {
    "CoreTable": 35,
    "LedgerTable": 35,
    "FlowTable": 35,
    "SecretsTable": 1,
    "AuditTable": 35,
    "EdgeTable": None,
}
STATEFUL = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
}
BUCKETS = {"FilesBucket": 7, "RawBucket": 30}


def _tables() -> dict[str, Any]:
    return stack.resources("AWS::DynamoDB::Table", DATA)


def test_six_tables_by_role() -> None:
    assert set(_tables()) == set(ROLES)


@pytest.mark.parametrize("name", list(ROLES))
def test_tables_of_the_tests_are_the_deployed_ones(name: str) -> None:
    properties = _tables()[name]["Properties"]
    expected = aws.table_definition(ROLES[name])
    assert properties["KeySchema"] == expected["KeySchema"]
    assert properties["AttributeDefinitions"] == expected["AttributeDefinitions"]
    assert properties.get("GlobalSecondaryIndexes") == expected.get("GlobalSecondaryIndexes")
    assert properties["BillingMode"] == expected["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("name", list(ROLES))
def test_tables_are_recoverable_and_protected(name: str) -> None:
    properties = _tables()[name]["Properties"]
    recovery = properties["PointInTimeRecoverySpecification"]
    assert recovery.get("RecoveryPeriodInDays") == RECOVERY_DAYS[name]
    assert recovery["PointInTimeRecoveryEnabled"] is (RECOVERY_DAYS[name] is not None)
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["IsProtected", True, False]}
    assert properties["SSESpecification"]["SSEType"] == "KMS"
    assert properties["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": ["DataKey", "Arn"]}


def test_only_flow_edge_and_archived_decisions_expire() -> None:
    expiring = {
        name
        for name, table in _tables().items()
        if "TimeToLiveSpecification" in table["Properties"]
    }
    # In core only a decision that the archive has gets a time to live (ArchiveDecisions).
    assert expiring == {"CoreTable", "FlowTable", "EdgeTable"}


def test_protection_covers_the_stages_with_real_data() -> None:
    condition = stack.source(DATA)["Conditions"]["IsProtected"]
    assert [part["Fn::Equals"][1] for part in condition["Fn::Or"]] == ["staging", "prod"]


def test_state_survives_the_stack_and_has_no_fixed_name() -> None:
    seen = set()
    for logical_id, resource in stack.source(DATA)["Resources"].items():
        if resource["Type"] not in STATEFUL:
            continue
        seen.add(resource["Type"])
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain", logical_id
        assert not {"TableName", "BucketName", "Name"} & set(resource["Properties"]), logical_id
    assert seen == STATEFUL


def test_removing_the_nested_stack_keeps_it() -> None:
    nested = stack.source()["Resources"]["Data"]
    assert nested["DeletionPolicy"] == nested["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", ["CredentialsKey", "DataKey"])
def test_nobody_can_destroy_a_key(name: str) -> None:
    properties = stack.resources("AWS::KMS::Key", DATA)[name]["Properties"]
    assert properties["EnableKeyRotation"] is True
    assert properties["PendingWindowInDays"] == 30
    denials = [s for s in properties["KeyPolicy"]["Statement"] if s["Effect"] == "Deny"]
    assert len(denials) == 1
    assert set(denials[0]["Action"]) == {"kms:DisableKey", "kms:ScheduleKeyDeletion"}
    assert denials[0]["Principal"] == "*"
    assert "Condition" not in denials[0]


def test_data_key_is_used_through_tables_and_buckets_only() -> None:
    statements = stack.resources("AWS::KMS::Key", DATA)["DataKey"]["Properties"]["KeyPolicy"]
    (use,) = [s for s in statements["Statement"] if s["Sid"] == "ThroughTablesAndBuckets"]
    condition = use["Condition"]["StringEquals"]
    assert condition["kms:CallerAccount"] == {"Ref": "AWS::AccountId"}
    services = {value["Fn::Sub"].split(".")[0] for value in condition["kms:ViaService"]}
    assert services == {"dynamodb", "s3"}


@pytest.mark.parametrize(("name", "days"), list(BUCKETS.items()))
def test_buckets_are_closed_encrypted_and_forget(name: str, days: int) -> None:
    properties = stack.resources("AWS::S3::Bucket", DATA)[name]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    (expiry,) = properties["LifecycleConfiguration"]["Rules"]
    assert expiry["Status"] == "Enabled"
    assert expiry["ExpirationInDays"] == days
    # A version that outlives its object would outlive the promise.
    assert "VersioningConfiguration" not in properties


@pytest.mark.parametrize("name", [*BUCKETS, "ArchiveBucket", "SealBucket"])
def test_buckets_refuse_clear_text_transport(name: str) -> None:
    policy = stack.resources("AWS::S3::BucketPolicy", DATA)[f"{name}Policy"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("name", ["ArchiveBucket", "SealBucket"])
def test_what_is_archived_is_locked_and_never_forgotten_by_itself(name: str) -> None:
    properties = stack.resources("AWS::S3::Bucket", DATA)[name]["Properties"]
    retention = properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention["Days"]["Fn::FindInMap"][0] == "ArchiveLock"
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["ObjectLockEnabled"] is True
    assert "LifecycleConfiguration" not in properties
    stages = stack.source(DATA)["Mappings"]["ArchiveLock"]
    assert stages["prod"] == {"Mode": "COMPLIANCE", "Days": 3653}
    assert {stages[stage]["Mode"] for stage in ("local", "dev", "staging")} == {"GOVERNANCE"}


def test_files_come_from_our_own_pages_only() -> None:
    files = stack.resources("AWS::S3::Bucket", DATA)["FilesBucket"]["Properties"]
    (rule,) = files["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == [{"Ref": "BaseUrl"}]
