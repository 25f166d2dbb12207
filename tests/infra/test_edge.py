"""infra/edge.yaml: one address, HTTPS only, files from a closed bucket, answers never cached."""

from typing import Any

from infra.tools.origin_secret import secret_name
from tests.infra import stack
from toolkit.http.origin import HEADER, VISITOR

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


# ------------------------------------------------------------------ past the firewall (S17)


def _api_origin() -> dict[str, Any]:
    (api,) = [origin for origin in _distribution()["Origins"] if origin["Id"] == "api"]
    assert isinstance(api, dict)
    return api


def test_cloudfront_shows_the_api_a_value_that_stands_in_no_template() -> None:
    (header,) = _api_origin()["OriginCustomHeaders"]
    assert header["HeaderName"] == HEADER
    value = header["HeaderValue"]["Fn::Sub"]
    assert value == "{{resolve:secretsmanager:${RootStackName}/origin:SecretString}}"
    assert secret_name("${RootStackName}") in value
    # The reference stays the same text when the secret changes; another comment reads it again.
    assert "${OriginRound}" in _distribution()["Comment"]["Fn::Sub"]


def test_no_function_may_read_what_cloudfront_shows() -> None:
    given = stack.source()["Globals"]["Function"]["Environment"]["Variables"]
    assert given["KOPRU_ORIGIN_DIGESTS"] == {"Ref": "OriginDigests"}
    for function in stack.functions():
        for statement in stack.statements(function):
            if any(action.startswith("secretsmanager:") for action in statement.actions):
                assert statement.resources == ({"Ref": "ApplicationSecret"},), function


def test_with_a_host_of_its_own_the_gateways_address_is_closed() -> None:
    api = stack.source()["Resources"]["HttpApi"]["Properties"]
    assert api["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasOriginHost", True, False]}
    body = stack.resources("AWS::ApiGatewayV2::Api")["HttpApi"]["Properties"]["Body"]
    (server,) = body["servers"]
    endpoint = server["x-amazon-apigateway-endpoint-configuration"]
    assert endpoint == {"disableExecuteApiEndpoint": {"Fn::If": ["HasOriginHost", True, False]}}
    assert _api_origin()["DomainName"] == {
        "Fn::If": ["HasOriginHost", {"Ref": "OriginHost"}, {"Ref": "ApiHost"}]
    }
    (domain,) = stack.resources("AWS::ApiGatewayV2::DomainName", EDGE).values()
    (configuration,) = domain["Properties"]["DomainNameConfigurations"]
    assert configuration["SecurityPolicy"] == "TLS_1_2"
    (mapping,) = stack.resources("AWS::ApiGatewayV2::ApiMapping", EDGE).values()
    assert mapping["Properties"]["ApiId"] == {"Ref": "ApiId"}


def test_a_stage_without_its_origin_is_not_deployed() -> None:
    rules = stack.source()["Rules"]
    deployed = rules["DeployedStagesKnowTheirOrigin"]
    assert deployed["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]}
    production = rules["ProductionHasOneDoor"]
    assert production["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    asked = {
        name: {rule["Assert"]["Fn::Not"][0]["Fn::Equals"][0]["Ref"] for rule in each["Assertions"]}
        for name, each in rules.items()
    }
    assert asked == {
        "DeployedStagesKnowTheirOrigin": {"OriginDigests"},
        "ProductionHasOneDoor": {"OriginHost", "OriginCertificateArn"},
    }


def test_the_visitors_address_is_cloudfronts_word_and_never_the_clients() -> None:
    (function,) = stack.resources("AWS::CloudFront::Function", EDGE).values()
    code = function["Properties"]["FunctionCode"]
    assert f"event.request.headers['{VISITOR}'] = {{value: event.viewer.ip}};" in code
    (association,) = _distribution()["DefaultCacheBehavior"]["FunctionAssociations"]
    assert association["EventType"] == "viewer-request"
