"""Subjects on the screen: found by number, and told by a file that is checked as a whole first."""

import base64
import io
from typing import Final

import pytest
from openpyxl import load_workbook

from kernel.files import XLSX
from tests.support.processes import work
from tests.support.rules_world import OTHER, SECOND, TENANT, RulesWorld
from toolkit.aws.objects import upload_key

HERE: Final = "/workflow/subjects"
GOOD: Final = "No;Açıklama;Damga yılı\r\nS-1;GAZ 1;2017\r\nS-2;GAZ 2;2018\r\nT-1;GAZ 3;2016\r\n"
WRONG: Final = "No;Damga yılı\r\nS-1;2017\r\nS-2;yirmi\r\nS-1;2016\r\n"


def uploaded(
    world: RulesWorld, content: bytes, kind: str = "meter", type_: str = "text/csv"
) -> str:
    """The page that a browser comes back to after an upload."""
    upload_id = world.app.platform.ids.new()
    world.app.platform.files.put(
        upload_key(TENANT, upload_id), content, content_type=type_, filename="subjects"
    )
    return f"{HERE}/uploads/{kind}/{upload_id}"


def run(world: RulesWorld, path: str, command: str) -> str:
    """The page of the job behind an upload, after its work."""
    answer = world.post(path, command=command)
    assert answer.status == 303, answer.body
    work(world)
    return answer.location


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_every_page_of_subjects_is_sound(world: RulesWorld, language: str) -> None:
    world.page(HERE, language)
    world.page(HERE, language, query="kind=invoice")
    path = uploaded(world, WRONG.encode())
    world.page(path, language)
    done = world.page(run(world, path, "check"), language)
    label = {"tr": "Damga yılı", "el": "Έτος σφραγίδας", "en": "Stamp year"}[language]
    assert label in done
    assert "/rows/" not in done


def test_a_file_is_checked_then_recorded_and_found(world: RulesWorld) -> None:
    path = uploaded(world, GOOD.encode())
    job = run(world, path, "check")
    checked = world.page(job)
    assert "nothing was recorded" in checked
    assert "Nothing known yet" in world.page(HERE, query="kind=meter")
    recorded = world.page(run(world, path, "record"))
    assert "The file is recorded" in recorded
    shown = world.page(HERE, query="kind=meter&q=S-")
    assert "S-1" in shown
    assert "T-1" not in shown
    assert "No number begins so" in world.page(HERE, query="kind=meter&q=X")


def test_everything_wrong_with_a_file_is_listed_and_nothing_recorded(world: RulesWorld) -> None:
    shown = world.page(run(world, uploaded(world, WRONG.encode()), "record"))
    assert "Nothing of this file was recorded" in shown
    assert 'class="hub-number">3<' in shown
    assert 'class="hub-number">4<' in shown
    assert world.ok("GET", "/subjects", query={"kind": "meter"})["items"] == []


def test_an_empty_workbook_has_the_columns_and_goes_round(world: RulesWorld) -> None:
    reader = world.principal(kind="session", language="en")
    raw = world.request("GET", f"{HERE}/template", reader, query={"kind": "invoice"}).raw
    book = load_workbook(io.BytesIO(base64.b64decode(raw["body"])))
    sheet = book.worksheets[0]
    titles = [cell.value for cell in sheet[2]]
    assert "Unpaid amount" in titles
    for title, value in {"Reference *": "F-1", "Kind of customer": "REGULATED",
                         "Unpaid amount": "12,50", "Due on": "2026-06-01"}.items():  # fmt: skip
        sheet.cell(4, titles.index(title) + 1, value)
    content = io.BytesIO()
    book.save(content)
    path = uploaded(world, content.getvalue(), "invoice", XLSX)
    assert "The file is recorded" in world.page(run(world, path, "record"))
    (one,) = world.ok("GET", "/subjects", query={"kind": "invoice"})["items"]
    assert one["facts"]["open_amount"] == "12.50"


def test_files_go_to_storage_and_stay_in_the_company(world: RulesWorld) -> None:
    reader = world.principal(kind="session", language="en")
    answer = world.request("GET", f"{HERE}/upload", reader, query={"kind": "contract"})
    assert "Direct debit" in answer.body
    origin = "https://s3.eu-central-1.amazonaws.com"
    assert f'action="{origin}/' in answer.body
    path = uploaded(world, GOOD.encode())
    stranger = world.principal(SECOND, tenant=OTHER, kind="session")
    assert world.request("GET", path, stranger).status == 404
    job = run(world, path, "check")
    assert world.request("GET", job, stranger).status == 404
    reader = world.principal(role="viewer", kind="session")
    assert world.request("GET", f"{HERE}/upload", reader).status == 403
    assert world.request("GET", f"{HERE}/uploads/colour/x", world.principal()).status in (403, 404)
