"""Words of the context: every state, action and reason has a sentence in every language."""

from collections.abc import Iterable

import pytest

from infra.assets import messages
from kernel.why import Why
from pensions.domain.contract import ContractState, CredentialsState
from pensions.domain.contribution import ContributionStatus
from pensions.domain.employee import FIELDS, EmployeeStatus, ProblemActor
from pensions.domain.provider import Capability, CredentialDelivery
from pensions.domain.transmission import TransmissionState
from webkit.i18n import LANGUAGES, Catalogues, Language

PENSIONS = messages.ROOT / "functions" / "pensions"
ACTIONS = (
    "contract.registered",
    "contract.credentials_refused",
    "employee.added",
    "employee.imported",
    "employee.sending",
    "employee.enrolled",
    "employee.rejected",
    "employee.unknown",
    "employee.held",
    "employee.opted_out",
    "employee.left",
    "employee.revealed",
    "contribution.calculated",
    "contribution.accepted",
    "contribution.rejected",
    "contribution.settled",
    "transmission.opened",
    *(f"transmission.{state}" for state in ("sending", "unknown", "partial", "done")),
)
KEYED: dict[str, Iterable[str]] = {
    "employee": [status.value for status in EmployeeStatus],
    "contribution": [status.value for status in ContributionStatus],
    "contract": [state.value for state in ContractState],
    "credentials": [state.value for state in CredentialsState],
    "transmission": [state.value for state in TransmissionState],
    "capability": [capability.value for capability in Capability],
    "delivery": [way.value for way in CredentialDelivery],
    "actor": [actor.value for actor in ProblemActor],
    "field": FIELDS,
    "todo": [f"contract_{state.value}" for state in ContractState if state.value != "ready"],
    "problem": [f"employee_{status.value}" for status in EmployeeStatus],
    "action": ACTIONS,
}


def words(language: str) -> Language:
    """The words of the pages in one language."""
    return Language(language, Catalogues((PENSIONS / "pages" / "locale",)))


@pytest.mark.parametrize("language", ["tr", "el"])  # in English a word may be its own key
@pytest.mark.parametrize("context", KEYED)
def test_every_key_has_a_word(language: str, context: str) -> None:
    known = words(language)
    missing = [key for key in KEYED[context] if not known.knows(context, key)]
    assert not missing


def test_a_deadline_is_explained_down_to_the_holiday() -> None:
    moved = Why(
        "pensions.why.payment_deadline",
        {"from": "2026-05-18", "to": "2026-05-20", "calendar": "TR", "business_days": 1},
    )
    holiday = Why(
        "kernel.why.skipped_holiday",
        {
            "day": "2026-05-19",
            "name_tr": "Gençlik Bayramı",
            "name_el": "Γιορτή",
            "name_en": "Youth",
        },
    )
    texts = {code: " ".join(words(code).whys([moved, holiday])) for code in LANGUAGES}
    assert "18.05.2026" in texts["tr"]
    assert "Gençlik Bayramı" in texts["tr"]
    assert "20/5/2026" in texts["el"]
    assert "Γιορτή" in texts["el"]
    assert "20 May 2026" in texts["en"]


def test_names_of_settings_are_no_texts() -> None:
    ids = {str(message.id) for message in messages.extract(PENSIONS) if message.id}
    assert "KOPRU_INSURER_ENDPOINTS" not in ids
    assert "job_id" not in ids
    assert "Check before sending" in ids
