"""Batches: codes for many documents at once, from a list or a file (PAY-01, PAY-02)."""

from typing import Final

from kernel.errors import NotFoundError
from payment_codes.domain.batch import JOB_KIND, UNDO_KIND, BatchDocument
from payment_codes.domain.source import Source
from payment_codes.handlers.http.app import app, use_of
from payment_codes.schemas import BatchDocumentIn, BatchFileIn, BatchListIn
from toolkit.entrypoints.http import Reply, Request, accepted
from toolkit.http.fields import parse_model
from toolkit.http.files import asks_dry_run, direct_file, elsewhere
from webkit.reader import language_of

_WRITE: Final = "payment_codes:code:write"


def _document(place: int, body: BatchDocumentIn) -> BatchDocument:
    return BatchDocument(
        place,
        Source(body.source.kind, body.source.id),
        body.customer.value(),
        body.amount,
        body.description,
        body.valid_until,
        body.customer.payment_code_enabled,
    )


@app.api("POST", "/v1/payment-codes/batches", permission=_WRITE)
def start_batch(request: Request) -> Reply:
    """Issue codes for a list of documents; a job says how far it is and what was refused.

    A document that has a code keeps it, so a list may be sent again at any time.
    """
    body = request.json(BatchListIn)
    documents = [_document(place, each) for place, each in enumerate(body.documents)]
    return accepted(use_of(request).start_batch().of_list(documents), JOB_KIND)


@app.api("POST", "/v1/payment-codes/batches/imports", permission=_WRITE)
def start_batch_import(request: Request) -> Reply:
    """Issue codes for the documents of a file: an upload, or a CSV or XLSX body up to 1 MiB.

    A direct body takes its options from the query: ``kind``, ``dry_run=true``.
    """
    start = use_of(request).start_batch()
    file = direct_file(request, "batch")
    if file is None:
        options = request.json(BatchFileIn)
        job_id = start.of_file(
            options.kind,
            upload_id=options.upload_id,
            dry_run=options.dry_run,
            language=options.language,
            mapping=options.mapping,
        )
        return accepted(job_id, JOB_KIND)
    kind = {"kind": request.query["kind"]} if "kind" in request.query else {}
    options = parse_model(BatchFileIn, {"upload_id": "-", "dry_run": asks_dry_run(request), **kind})
    language = language_of(request)
    job_id = start.of_file(options.kind, file=file, dry_run=options.dry_run, language=language)
    return accepted(job_id, JOB_KIND)


@app.api("POST", "/v1/payment-codes/batches/{id}/undo", permission=_WRITE)
def undo_batch(request: Request) -> Reply:
    """Take back the codes of a batch that nobody paid and nobody was mailed; twice is once.

    The job names every code that stays, and why. ``?dry_run=true`` only counts.
    """
    undo = use_of(request).undo_batch()
    return accepted(undo(request.id(), dry_run=asks_dry_run(request)), UNDO_KIND)


@app.api(
    "GET", "/v1/payment-codes/batches/{id}/corrected-workbook", permission="payment_codes:code:read"
)
def corrected_workbook(request: Request) -> Reply:
    """The file of a batch with its problems marked; redirects to the download."""
    use = use_of(request)
    job = use.store.job(request.id())
    if job is None or not job.result.get("corrected_workbook"):
        raise NotFoundError("not_found", "There is no such item.")
    link = use.files.download_link(job.id, f"kopru-{job.id}.xlsx")
    return elsewhere(link)
