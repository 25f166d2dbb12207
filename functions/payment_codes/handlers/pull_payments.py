"""SQS: read a list of payments at the provider and book what is new."""

from payment_codes.application.context import TryAgainError
from payment_codes.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, RetryLaterError, queue_handler


@queue_handler("payment_codes")
def handler(message: QueueMessage) -> None:
    """One code of ours, one code somebody named, or the whole organisation."""
    use = application().for_system(message.text("tenant_id"), "pull")
    remaining = message.remaining_seconds
    try:
        if "code_id" in message.body:
            by_person = message.body.get("by_person") is True
            pull = use.pull_payments()
            pull.code(message.text("code_id"), remaining=remaining, by_person=by_person)
        elif "rf" in message.body:
            use.pull_payments().stray(str(message.body["rf"]), remaining=remaining)
        else:
            use.pull_organisation()(remaining=remaining)
    except TryAgainError as error:
        raise RetryLaterError from error
