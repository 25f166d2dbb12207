"""Settings of workflow, read once per process."""

from dataclasses import dataclass
from typing import Self

from toolkit.settings import CommonSettings, Environment


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """What all contexts share, the bucket in which decisions stay, and what approvals need.

    Shapes: ``approval_machine`` is the ARN of the state machine, known to the functions that drive
    it; ``evidence_key`` signs decisions.
    """

    common: CommonSettings
    archive_bucket: str
    approval_machine: str
    evidence_key: str

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            archive_bucket=env.text("KOPRU_BUCKET_ARCHIVE"),
            approval_machine=env.text("KOPRU_APPROVAL_MACHINE", ""),
            evidence_key=env.text("KOPRU_KEY_EVIDENCE", ""),
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``work``, ``approvals`` or ``privacy``."""
        return self.common.queue_url(f"workflow-{queue}")
