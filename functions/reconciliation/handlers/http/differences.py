"""Statements of counterparties and the difference room, as the company sees it (REC-06)."""

from typing import Any, Final

from kernel.errors import NotFoundError, UnsupportedMediaTypeError
from reconciliation.domain.answer import Channel
from reconciliation.domain.difference import Case, LineNote, Side, TheirStatement
from reconciliation.domain.statement_match import Category, StatementLine
from reconciliation.handlers.http.app import (
    BASE,
    app,
    cursor_scope,
    position_of,
    say_of,
    sealed,
    use_of,
    wrong_filter,
)
from reconciliation.pages.difference_words import RoomLine, room_lines
from reconciliation.pages.differences import differences_file
from reconciliation.schemas import Say, StatementIn, TextIn
from toolkit.entrypoints.http import Reply, Request
from toolkit.http.files import TABLES, direct_file, file_reply

_READ: Final = "reconciliation:reply:read"
_WRITE: Final = "reconciliation:reply:write"
_LETTER: Final = f"{BASE}/letters/{{id}}"
_DIFFERENCES: Final = f"{_LETTER}/differences"
_TYPES: Final = {**TABLES, "application/pdf": "pdf"}


@app.api("POST", f"{_LETTER}/statements", permission=_WRITE)
def take_statement(request: Request) -> Reply:
    """Take a statement of the counterparty: an upload, or the file itself up to 1 MiB (CSV, XLSX,
    PDF). It is kept as it came and, unless it is a paper, compared with our lines.
    """
    use = use_of(request)
    letter = use.store.letter(request.id())
    file, upload_id = direct_file(request, "statement", _TYPES), ""
    if request.media_type == "application/json":
        upload_id = request.json(StatementIn).upload_id
    elif file is None:
        raise UnsupportedMediaTypeError(
            "unsupported_media_type", "Send CSV, XLSX or PDF, or name an upload as JSON."
        )
    taken = use.send_statement()(
        letter,
        letter.counterparty_id,
        channel=Channel.STAFF.value,
        upload_id=upload_id,
        file=file,
    )
    return Reply(_statement(taken), 202, {"location": f"{BASE}/letters/{letter.id}/differences"})


@app.api("GET", _DIFFERENCES, permission=_READ)
def show_differences(request: Request) -> Reply:
    """The last comparison with the lines that do not agree, or those of one ``category``."""
    use = use_of(request)
    letter = use.store.letter(request.id())
    show = use.show_differences()
    case = show(letter.id)
    if case is None:
        raise NotFoundError("not_found", "There is no such item.")
    chosen = request.query.get("category", "")
    if chosen and chosen not in set(Category):
        raise wrong_filter("category", "choice", "Choose one of: " + ", ".join(Category))
    run = "0" if case.run is None else case.run.digest[:12]
    scope = cursor_scope(request, request.path, category=chosen, run=run)
    start = int((position_of(request, scope) or {}).get("start", 0))
    lines, following = room_lines(show.matches(case), show.notes(letter.id), chosen, start)
    say = say_of(request)
    return Reply(
        {
            **_case(case),
            "statements": [_statement(one) for one in use.store.statements_of(letter.id)],
            "items": [_room_line(line, say) for line in lines],
            "next_cursor": sealed(None if following is None else {"start": following}, scope),
        }
    )


@app.api("GET", f"{_DIFFERENCES}/export", permission=_READ)
def export_differences(request: Request) -> Reply:
    """All lines of the last comparison as a file for people: ``format`` xlsx or csv."""
    return file_reply(differences_file(request, request.id()))


@app.api("POST", f"{_DIFFERENCES}/runs", permission=_WRITE)
def compare_again(request: Request) -> Reply:
    """Compare with the books as they are now; nothing new is no new comparison."""
    use_of(request).difference_room().again(request.id())
    return Reply({"status": "queued"}, 202)


@app.api("POST", f"{_DIFFERENCES}/notes", permission=_WRITE)
def add_note(request: Request) -> Reply:
    """Add a remark to a line; the counterparty reads it."""
    use = use_of(request)
    letter = use.store.letter(request.id())
    body = request.json(TextIn)
    author = use.store.mailing_settings().sender.title
    note = use.difference_room().say(letter.id, body.line, Side.COMPANY, author, body.text)
    return Reply(_note(note), 201)


@app.api("POST", f"{_DIFFERENCES}/close", permission=_WRITE)
def close_case(request: Request) -> Reply:
    """Close the case with a note."""
    use = use_of(request)
    letter = use.store.letter(request.id())
    body = request.json(TextIn)
    return Reply(_case(use.difference_room().close(letter.id, body.text)))


@app.api("GET", f"{_LETTER}/evidence", permission=_WRITE)
def export_evidence(request: Request) -> Reply:
    """Everything that was sent, seen and said about a letter, in a chain of hashes, as an archive.

    The head of the chain is noted in the letter's history; `python -m infra.local evidence verify`
    checks the archive without the product.
    """
    return file_reply(use_of(request).evidence_archive(request.id()))


def _case(case: Case) -> dict[str, Any]:
    run = case.run
    shown: dict[str, Any] = {
        "letter_id": case.letter_id,
        "counterparty_id": case.counterparty_id,
        "status": case.state.value,
        "opened_at": case.opened_at,
        "closing_note": case.closing_note,
        "run": 0 if run is None else run.number,
    }
    if run is not None:
        shown |= {
            "compared_at": run.at,
            "from": run.first.isoformat(),
            "to": run.last.isoformat(),
            "counts": dict(run.counts),
            "our_balance": run.ours.to_api(),
            "their_balance": run.theirs.to_api(),
            "difference": run.difference.to_api(),
            "sha256": run.digest,
        }
    return shown


def _room_line(line: RoomLine, say: Say) -> dict[str, Any]:
    match = line.match
    return {
        "line": line.key,
        "category": match.category.value,
        "ours": _side(match.ours),
        "theirs": _side(match.theirs),
        "difference": match.difference.to_api(),
        "why": say(match.why),
        "notes": [_note(note) for note in line.notes],
    }


def _side(line: StatementLine | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {
        "document_no": line.document_no,
        "date": line.on.isoformat(),
        "amount": line.amount.to_api(),
    }


def _note(note: LineNote) -> dict[str, Any]:
    return {
        "id": note.id,
        "line": note.line,
        "side": note.side.value,
        "at": note.at,
        "author": note.author,
        "text": note.text,
    }


def _statement(statement: TheirStatement) -> dict[str, Any]:
    problems = [
        {"row": line, "code": code, "message": text} for line, code, text in statement.problems
    ]
    return {
        "id": statement.id,
        "letter_id": statement.letter_id,
        "status": statement.state.value,
        "at": statement.at,
        "channel": statement.channel,
        "filename": statement.filename,
        "sha256": statement.digest,
        "size": statement.size,
        "lines": statement.lines,
        "problems": problems,
    }
