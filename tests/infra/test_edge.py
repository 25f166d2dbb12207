"""infra/edge.yaml: one address, HTTPS only, files from a closed bucket, answers never cached."""

from typing import Any

from tests.infra import stack

EDGE = stack.NESTED["Edge"]
# Identifiers of AWS's own policies. Source: CloudFront developer guide, managed policies.
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def _distribution() -> dict[str, Any]:
    config: dict[str, Any] = stack.resources("AWS::CloudFront::Distribution", EDGE)["Distribution"][
        "Properties"
    ]["DistributionConfig"]
    return config


def test_answers_of_the_product_are_never_cached() -> None:
    behaviour = _distribution()["DefaultCacheBehavior"]
    assert behaviour["TargetOriginId"] == "api"
    assert behaviour["CachePolicyId"] == CACHING_DISABLED
    # The API answers to its own host name only.
    assert behaviour["OriginRequestPolicyId"] == ALL_BUT_HOST
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(behaviour["AllowedMethods"])


def test_nothing_travels_in_clear_text() -> None:
    config = _distribution()
    behaviours = [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]
    assert {b["ViewerProtocolPolicy"] for b in behaviours} == {"redirect-to-https"}
    (api,) = [origin for origin in config["Origins"] if origin["Id"] == "api"]
    assert api["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert api["CustomOriginConfig"]["OriginSSLProtocols"] == ["TLSv1.2"]


def test_files_come_from_where_the_pages_link_to() -> None:
    (files,) = _distribution()["CacheBehaviors"]
    assert files["PathPattern"] == "/static/*"
    assert files["TargetOriginId"] == "assets"
    assert files["AllowedMethods"] == ["GET", "HEAD"]


def test_only_our_distribution_reads_the_bucket() -> None:
    bucket = stack.resources("AWS::S3::Bucket", EDGE)["AssetsBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    policy = stack.resources("AWS::S3::BucketPolicy", EDGE)["AssetsBucketPolicy"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert statement["Action"] == "s3:GetObject"
    text, names = statement["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert text.endswith(":distribution/${Id}")
    assert names == {"Id": {"Ref": "Distribution"}}


def test_local_stack_has_no_edge() -> None:
    assert stack.source()["Resources"]["Edge"]["Condition"] == "IsDeployed"
    condition = stack.source()["Conditions"]["IsDeployed"]
    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]}
