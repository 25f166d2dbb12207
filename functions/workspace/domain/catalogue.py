"""Every kind of event that Köprü publishes: what webhooks may be subscribed to.

Schemas with examples are in ``events/schemas``; a test holds the two lists together.
"""

from typing import Final

CONTEXTS: Final = (
    "workspace",
    "pensions",
    "payment_codes",
    "reconciliation",
    "card_contracts",
    "workflow",
)

WEBHOOK_TESTED: Final = "workspace.WebhookTested.v1"
"""Sent to one target only, when a person tries it out."""

EVENT_TYPES: Final = (
    "workspace.IncidentResolved.v1",
    "workspace.JobCancelRequested.v1",
    "workspace.PrivacyAnswered.v1",
    "workspace.PrivacyRequested.v1",
    "workspace.TenantCreated.v1",
    WEBHOOK_TESTED,
    "pensions.ApprovalRequested.v1",
    "pensions.AttentionCleared.v1",
    "pensions.AttentionRaised.v1",
    "pensions.ContributionsDecided.v1",
    "pensions.CredentialsRefused.v1",
    "pensions.EnrolmentsDecided.v1",
    "pensions.IncidentOpened.v1",
    "pensions.PrivacyAnswered.v1",
    "pensions.SubmissionFinished.v1",
    "payment_codes.AttentionCleared.v1",
    "payment_codes.AttentionRaised.v1",
    "payment_codes.CodeClosed.v1",
    "payment_codes.CodeIssued.v1",
    "payment_codes.IncidentOpened.v1",
    "payment_codes.PaymentBooked.v1",
    "payment_codes.PrivacyAnswered.v1",
    "payment_codes.StatementImported.v1",
    "reconciliation.AttentionCleared.v1",
    "reconciliation.AttentionRaised.v1",
    "reconciliation.PrivacyAnswered.v1",
    "card_contracts.ApprovalRequested.v1",
    "card_contracts.AttentionCleared.v1",
    "card_contracts.AttentionRaised.v1",
    "card_contracts.PrivacyAnswered.v1",
    "card_contracts.SalePosted.v1",
    "card_contracts.SaleReversed.v1",
    "card_contracts.StatementImported.v1",
    "workflow.ApprovalDecided.v1",
    "workflow.ApprovalOpened.v1",
    "workflow.ApprovalRequested.v1",
    "workflow.ApprovalWithdrawn.v1",
    "workflow.AttentionCleared.v1",
    "workflow.AttentionRaised.v1",
    "workflow.IncidentOpened.v1",
    "workflow.ParameterRecorded.v1",
    "workflow.PrivacyAnswered.v1",
    "workflow.ProcessEnded.v1",
    "workflow.ProcessPublished.v1",
    "workflow.ProcessStarted.v1",
    "workflow.ProcessStepStarted.v1",
    "workflow.ProposalMade.v1",
    "workflow.RulePublished.v1",
    "workflow.RuleRetired.v1",
)
