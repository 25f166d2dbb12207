"""Ports of the workspace on DynamoDB, S3, SES and argon2."""
