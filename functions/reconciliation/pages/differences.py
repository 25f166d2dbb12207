"""Cases of the company: who does not agree, both statements side by side, a thread per line."""

from collections.abc import Iterator
from typing import Any, Final

from kernel.errors import ConflictError, KopruError, NotFoundError, ValidationError
from kernel.files import ExportCell, UploadedFile
from reconciliation.bootstrap import application
from reconciliation.domain.difference import Side
from reconciliation.domain.letter import Letter
from reconciliation.domain.statement_match import Category, Match
from reconciliation.pages.difference_words import (
    DIFFERENCES_HEADER,
    RoomWords,
    room_chips,
    room_columns,
    room_lines,
)
from reconciliation.pages.kit import Kit, go, use_of
from reconciliation.pages.words import words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Column

SECTION: Final = "reconciliation.differences"
_READ: Final = "reconciliation:reply:read"
_WRITE: Final = "reconciliation:reply:write"
_PATH: Final = "/reconciliation/differences"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of cases."""

    @app.page("GET", _PATH, permission=_READ)
    def show_cases(request: Request) -> Reply:
        """Cases that are not closed, oldest first."""
        use, words = use_of(request), words_of(request)
        cases = use.store.open_cases()
        columns = (
            Column("counterparty", words.text("Counterparty")),
            Column("month", words.text("Month")),
            Column("state", words.text("State")),
            Column("differing", words.text("Lines that differ"), numeric=True),
            Column("difference", words.text("Left between the two"), numeric=True),
        )
        return kit.draw(
            request,
            "differences/list.html",
            SECTION,
            cases=cases,
            letters=use.store.letters([one.letter_id for one in cases]),
            cards=use.store.counterparties([one.counterparty_id for one in cases]),
            room=RoomWords(words),
            columns=columns,
        )

    @app.page("GET", f"{_PATH}/{{id}}", permission=_READ)
    def show_room(request: Request) -> Reply:
        """One case."""
        return _room(kit, request, use_of(request).store.letter(request.id()))

    @app.page("GET", f"{_PATH}/{{id}}/file", permission=_READ)
    def export(request: Request) -> Reply:
        """All lines as a workbook."""
        file = differences_file(request, request.id())
        return file_reply(file)

    @app.page("GET", f"{_PATH}/{{id}}/evidence", permission=_WRITE)
    def evidence(request: Request) -> Reply:
        """Everything about the letter as an archive that can be checked offline."""
        file = use_of(request).evidence_archive(request.id())
        return file_reply(file)

    @app.page("POST", f"{_PATH}/{{id}}/notes", permission=_WRITE)
    def say(request: Request) -> Reply:
        """Add a remark to a line; the counterparty reads it."""
        form, use = request.form(), use_of(request)
        author = use.store.mailing_settings().sender.title or request.principal.tenant_name
        try:
            use.difference_room().say(
                request.id(),
                form.get("line", ""),
                Side.COMPANY,
                author,
                form.get("text", ""),
                form_id=form.get("form_id", ""),
            )
        except (ValidationError, ConflictError) as error:
            return _room(kit, request, use.store.letter(request.id()), error)
        return go(f"{_PATH}/{request.id()}", done="note")

    @app.page("POST", f"{_PATH}/{{id}}/again", permission=_WRITE)
    def compare_again(request: Request) -> Reply:
        """Compare with the books as they are now."""
        use_of(request).difference_room().again(request.id())
        return go(f"{_PATH}/{request.id()}", done="again")

    @app.page("POST", f"{_PATH}/{{id}}/close", permission=_WRITE)
    def close(request: Request) -> Reply:
        """Close the case with a note."""
        use = use_of(request)
        try:
            use.difference_room().close(request.id(), request.form().get("text", ""))
        except (ValidationError, ConflictError) as error:
            return _room(kit, request, use.store.letter(request.id()), error)
        return go(_PATH, done="case_closed")


def _room(kit: Kit, request: Request, letter: Letter, error: KopruError | None = None) -> Reply:
    use, words = use_of(request), words_of(request)
    show = use.show_differences()
    case = show(letter.id)
    if case is None:
        raise NotFoundError("not_found", "There is no such item.")
    said = RoomWords(words, application().platform.ids.new())
    path = f"{_PATH}/{letter.id}"
    chosen = request.query.get("category", "")
    chosen = chosen if chosen in set(Category) else ""
    start_text = request.query.get("start", "0")
    start = int(start_text[:6]) if start_text.isascii() and start_text.isdigit() else 0
    notes = show.notes(letter.id)
    lines, following = room_lines(show.matches(case), notes, chosen, start)
    values: dict[str, Any] = {
        "letter": letter,
        "case": case,
        "card": use.store.counterparties([letter.counterparty_id])[letter.counterparty_id],
        "room": said,
        "statements": use.store.statements_of(letter.id),
        "path": path,
        "chosen": chosen,
        "columns": room_columns(said),
        "lines": lines,
        "following": following,
        "chips": room_chips(said, case, chosen, path),
    }
    return kit.draw(request, "differences/room.html", SECTION, error=error, **values)


def differences_file(request: Request, letter_id: str) -> UploadedFile:
    """All lines of the last comparison as a file. Raises: NotFoundError; ValidationError."""
    use, words = use_of(request), words_of(request)
    show = use.show_differences()
    letter = use.store.letter(letter_id)
    case = show(letter_id)
    if case is None:
        raise NotFoundError("not_found", "There is no such item.")
    header = [words.text(title) for title in DIFFERENCES_HEADER]
    rows = _cells(show.matches(case), RoomWords(words))
    wanted = request.query.get("format", "xlsx")
    return application().table_writer.write(wanted, f"differences-{letter.period}", header, rows)


def _cells(matches: Iterator[Match], said: RoomWords) -> Iterator[tuple[ExportCell, ...]]:
    for match in matches:
        ours, theirs = match.ours, match.theirs
        yield (
            ours.document_no if ours else "",
            ours.on if ours else None,
            ours.amount if ours else None,
            theirs.document_no if theirs else "",
            theirs.on if theirs else None,
            theirs.amount if theirs else None,
            match.difference,
            said.category(match.category).label,
            said.why(match),
        )
