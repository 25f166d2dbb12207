"""What the workspace tells other contexts, and what it hears; schemas are in ``events/schemas``."""

from typing import Final

TENANT_CREATED: Final = "workspace.TenantCreated.v1"
INCIDENT_RESOLVED: Final = "workspace.IncidentResolved.v1"
JOB_CANCEL_REQUESTED: Final = "workspace.JobCancelRequested.v1"
PRIVACY_REQUESTED: Final = "workspace.PrivacyRequested.v1"

PUBLISHED: Final = (
    TENANT_CREATED,
    INCIDENT_RESOLVED,
    JOB_CANCEL_REQUESTED,
    PRIVACY_REQUESTED,
)
PRIVACY_ANSWERED: Final = ".PrivacyAnswered.v1"
"""End of the event by which a context, also this one, answers a request of a person."""

INCIDENT_OPENED: Final = "pensions.IncidentOpened.v1"
ATTENTION_RAISED: Final = "pensions.AttentionRaised.v1"
ATTENTION_CLEARED: Final = "pensions.AttentionCleared.v1"
CODE_INCIDENT_OPENED: Final = "payment_codes.IncidentOpened.v1"
CODE_ATTENTION_RAISED: Final = "payment_codes.AttentionRaised.v1"
CODE_ATTENTION_CLEARED: Final = "payment_codes.AttentionCleared.v1"
CARD_ATTENTION_RAISED: Final = "card_contracts.AttentionRaised.v1"
CARD_ATTENTION_CLEARED: Final = "card_contracts.AttentionCleared.v1"
WORKFLOW_ATTENTION_RAISED: Final = "workflow.AttentionRaised.v1"
WORKFLOW_ATTENTION_CLEARED: Final = "workflow.AttentionCleared.v1"
LETTER_ATTENTION_RAISED: Final = "reconciliation.AttentionRaised.v1"
LETTER_ATTENTION_CLEARED: Final = "reconciliation.AttentionCleared.v1"
WORKFLOW_INCIDENT_OPENED: Final = "workflow.IncidentOpened.v1"
CREDENTIALS_REFUSED: Final = "pensions.CredentialsRefused.v1"

HEARD: Final = (
    INCIDENT_OPENED,
    ATTENTION_RAISED,
    ATTENTION_CLEARED,
    CREDENTIALS_REFUSED,
    CODE_INCIDENT_OPENED,
    CODE_ATTENTION_RAISED,
    CODE_ATTENTION_CLEARED,
    CARD_ATTENTION_RAISED,
    CARD_ATTENTION_CLEARED,
    WORKFLOW_ATTENTION_RAISED,
    WORKFLOW_ATTENTION_CLEARED,
    LETTER_ATTENTION_RAISED,
    LETTER_ATTENTION_CLEARED,
    WORKFLOW_INCIDENT_OPENED,
)
