"""SQS: work of the portal that no counterparty waits for."""

from reconciliation.bootstrap import application
from toolkit.entrypoints.queue import QueueMessage, queue_handler


@queue_handler("reconciliation")
def handler(message: QueueMessage) -> None:
    """Give cards their access, take answers over, read and compare statements."""
    use = application().for_system(message.text("tenant_id"), "portal")
    act = str(message.body["act"])
    if act == "prepare_access":
        use.prepare_access()(message.text("counterparty_ids").split(","))
    elif act == "invite":
        use.invite()(message.text("counterparty_id"), by="counterparty", again=False)
    elif act == "copy_letter":
        names = ("letter_id", "counterparty_id", "address", "day")
        use.copy_letter()(*(message.text(name) for name in names))
    elif act == "take_answer":
        use.take_answer()(message.text("answer_id"))
    elif act == "read_statement":
        use.read_statement()(message.text("statement_id"))
    elif act == "compare":
        use.compare_statements()(message.text("letter_id"))
    elif act == "ledger_changed":
        use.ledger_changed()(message.text("counterparty_ids").split(","))
