"""Keep what is known about the connection to the provider, and tell when it changes."""

from dataclasses import replace
from typing import Final

from kernel.storing import WriteRefusedError
from payment_codes.application.context import Scope
from payment_codes.domain.organisation import ConnectionState, Organisation
from payment_codes.ports import Answer

CODE_ATTENTION_RAISED: Final = "payment_codes.AttentionRaised.v1"
CODE_ATTENTION_CLEARED: Final = "payment_codes.AttentionCleared.v1"
_MEANING: Final = {
    Answer.OK: ConnectionState.UP,
    Answer.REFUSED: ConnectionState.UP,
    Answer.CREDENTIALS: ConnectionState.REFUSED,
    Answer.NOT_SENT: ConnectionState.DOWN,
    Answer.UNKNOWN: ConnectionState.DOWN,
}


def is_news(organisation: Organisation, answer: Answer) -> bool:
    """Whether an answer says more than that the network is still down; call it before the answer
    is noted.
    """
    down = ConnectionState.DOWN
    return not (organisation.connection is down and _MEANING[answer] is down)


def note_answer(scope: Scope, organisation: Organisation, answer: Answer) -> None:
    """Write the state of the connection when it is another one than before; lose races quietly."""
    state = _MEANING[answer]
    if organisation.connection is state:
        return
    unit = scope.store.unit()
    after = replace(organisation, connection=state)
    unit.save_organisation(
        organisation, after, "organisation.connection_changed", {"state": state.value}
    )
    subject = f"organisation:{organisation.id}"
    key = f"connection:{organisation.provider}"
    if state is ConnectionState.UP:
        unit.publish(CODE_ATTENTION_CLEARED, subject, {"key": key, "subject": subject})
    else:
        unit.publish(
            CODE_ATTENTION_RAISED,
            subject,
            {
                "key": key,
                "subject": subject,
                "code": f"payment_provider_{state}",
                "severity": "high",
            },
        )
    try:
        unit.commit()
    except WriteRefusedError:
        return  # somebody else wrote what they saw; the next answer tells again
