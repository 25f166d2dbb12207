"""A small template with one of everything, and a running cloud to try it on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from infra.local.cloud import LocalCloud

SAMPLE = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: local, AllowedValues: [local, prod]}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Globals:
  Function:
    Runtime: python3.13
    Timeout: 10
    MemorySize: 512
    Layers: [!Ref CommonLayer, !Ref DependenciesLayer]
    Environment:
      Variables:
        TABLE: !GetAtt Data.Outputs.Table
        QUEUE: !Ref WorkQueue
Resources:
  CommonLayer:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/common}
  DependenciesLayer:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/dependencies}
  Data:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: infra/data.yaml
      Parameters: {Stage: !Ref Stage}
  WorkQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 5}
  DeadLetters: {Type: AWS::SQS::Queue}
  EventsQueue: {Type: AWS::SQS::Queue}
  MailQueue: {Type: AWS::SQS::Queue}
  OnlyInProduction: {Type: AWS::SQS::Queue, Condition: IsProd}
  Bus:
    Type: AWS::Events::EventBus
    Properties: {Name: !Sub '${AWS::StackName}-bus'}
  EventsRule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [kopru.pensions], detail-type: [{prefix: pensions.}]}
      Targets:
        - Id: queue
          Arn: !GetAtt EventsQueue.Arn
          DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}
  MailRule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.ses]}
      Targets: [{Id: queue, Arn: !GetAtt MailQueue.Arn}]
  MailSet:
    Type: AWS::SES::ConfigurationSet
    Properties: {Name: !Sub '${AWS::StackName}-mail'}
  MailEvents:
    Type: AWS::SES::ConfigurationSetEventDestination
    Properties:
      ConfigurationSetName: !Ref MailSet
      EventDestination:
        MatchingEventTypes: [SEND, DELIVERY, BOUNCE, COMPLAINT, DELIVERY_DELAY]
        EventBridgeDestination: {EventBusArn: default}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties: {StageName: $default}
  PensionsApiFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {ParentPackageMode: explicit, ParentPackages: pensions}}
    Properties:
      CodeUri: functions/pensions
      Handler: pensions.handlers.api.handler
      ReservedConcurrentExecutions: 3
      Events:
        Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: '/v1/{proxy+}', Method: ANY}}
  PensionsWorkerFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {ParentPackageMode: explicit, ParentPackages: pensions}}
    Properties:
      CodeUri: functions/pensions
      Handler: pensions.handlers.work.handler
      Timeout: 60
      Events:
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt WorkQueue.Arn
            BatchSize: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 2}
        Sweep:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            ScheduleExpressionTimezone: Europe/Istanbul
            DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}
  Approval:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: infra/approval.asl.yaml
      DefinitionSubstitutions: {QueueUrl: !Ref WorkQueue}
      Role: arn:aws:iam::123456789012:role/r
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/SQS
      MetricName: ApproximateNumberOfMessagesVisible
      ComparisonOperator: GreaterThanThreshold
      EvaluationPeriods: 1
Outputs:
  Table: {Value: !GetAtt Data.Outputs.Table}
  Files: {Value: !GetAtt Data.Outputs.Files}
  Approval: {Value: !Ref Approval}
"""

DATA = """
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Stage: {Type: String}
Resources:
  CredentialsKey: {Type: AWS::KMS::Key}
  CredentialsKeyAlias:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/credentials, TargetKeyId: !Ref CredentialsKey}
  ApplicationSecret:
    Type: AWS::SecretsManager::Secret
    Properties: {GenerateSecretString: {PasswordLength: 24, ExcludePunctuation: true}}
  Switch:
    Type: AWS::SSM::Parameter
    Properties: {Name: /switch, Type: String, Value: !Ref Stage}
  CoreTable:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
        - {AttributeName: sk, AttributeType: S}
        - {AttributeName: due_pk, AttributeType: S}
        - {AttributeName: due_sk, AttributeType: S}
      KeySchema:
        - {AttributeName: pk, KeyType: HASH}
        - {AttributeName: sk, KeyType: RANGE}
      GlobalSecondaryIndexes:
        - IndexName: due
          KeySchema:
            - {AttributeName: due_pk, KeyType: HASH}
            - {AttributeName: due_sk, KeyType: RANGE}
          Projection: {ProjectionType: KEYS_ONLY}
      TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}
      SSESpecification: {SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: !GetAtt CredentialsKey.Arn}
  FilesBucket:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault:
              SSEAlgorithm: aws:kms
              KMSMasterKeyID: !GetAtt CredentialsKey.Arn
Outputs:
  Table: {Value: !Ref CoreTable}
  Files: {Value: !Ref FilesBucket}
  Key: {Value: !GetAtt CredentialsKey.Arn}
"""

APPROVAL = """
StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
    TimeoutSeconds: 600
    Parameters:
      QueueUrl: ${QueueUrl}
      MessageBody.$: $$.Task.Token
    End: true
"""


def write_sample(folder: Path) -> Path:
    """Write the sample and what it refers to; returns the path of the root template."""
    for name, text in (
        ("template.yaml", SAMPLE),
        ("infra/data.yaml", DATA),
        ("infra/approval.asl.yaml", APPROVAL),
        ("layers/dependencies/requirements.txt", ""),
        ("layers/common/kernel/__init__.py", ""),
        ("functions/pensions/__init__.py", ""),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder / "template.yaml"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Root template of the sample."""
    return write_sample(tmp_path / "checkout")


@pytest.fixture(scope="module")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One running cloud with the sample deployed, for all tests of a module."""
    folder = tmp_path_factory.mktemp("cloud")
    said: list[str] = []
    cloud = LocalCloud(folder / "state", log=said.append)
    cloud.start()
    cloud.deploy(write_sample(folder / "checkout"), {})
    yield cloud
    cloud.stop()
    mistakes = [line for line in said if line.startswith("endpoint:")]
    assert not mistakes, mistakes


def receive(cloud: LocalCloud, queue: str, wait_seconds: float = 5.0) -> list[Any]:
    """Take everything from a queue of the sample."""
    messages = cloud.sqs.receive(f"kopru-{queue}", 10, wait_seconds=wait_seconds)
    cloud.sqs.delete(f"kopru-{queue}", [message.receipt_handle for message in messages])
    return messages
