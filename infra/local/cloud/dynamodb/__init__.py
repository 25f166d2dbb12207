"""A DynamoDB data plane fit for a running product, on top of moto's parsers and validators."""
