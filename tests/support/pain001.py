"""The message definition of pain.001.001.09, as far as a credit transfer of ours can use it.

Written down from ISO 20022's own definition (elements in order, how often each may stand, the
pattern of its text), so that an order is judged by something the writer does not share. An element
that is legal there but unknown here is a complaint too: then this table must be completed first.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
Part = tuple[str, int, int, str]

_MANY: Final = 1_000_000
_TEXTS: Final[Mapping[str, str]] = {
    "Max15Numeric": r"[0-9]{1,15}",
    "Max34": r"(?s).{1,34}",
    "Max35": r"(?s).{1,35}",
    "Max140": r"(?s).{1,140}",
    "Decimal": r"(?=(?:[^0-9]*[0-9]){1,18}$)[0-9]{1,18}(\.[0-9]{1,17})?",
    "Amount": r"(?=(?:[^0-9]*[0-9]){1,18}$)[0-9]{1,18}(\.[0-9]{1,5})?",
    "DateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?",
    "Date": r"\d{4}-\d\d-\d\d",
    "IBAN": r"[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}",
    "BIC": r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?",
    "Method": r"CHK|TRF|TRA",
    "Bearer": r"DEBT|CRED|SHAR|SLEV",
}
_SEQUENCES: Final[Mapping[str, Sequence[Part]]] = {
    "Document": [("CstmrCdtTrfInitn", 1, 1, "Initiation")],
    "Initiation": [("GrpHdr", 1, 1, "Header"), ("PmtInf", 1, _MANY, "Payment")],
    "Header": [
        ("MsgId", 1, 1, "Max35"),
        ("CreDtTm", 1, 1, "DateTime"),
        ("NbOfTxs", 1, 1, "Max15Numeric"),
        ("CtrlSum", 0, 1, "Decimal"),
        ("InitgPty", 1, 1, "Party"),
        ("FwdgAgt", 0, 1, "Agent"),
    ],
    "Payment": [
        ("PmtInfId", 1, 1, "Max35"),
        ("PmtMtd", 1, 1, "Method"),
        ("NbOfTxs", 0, 1, "Max15Numeric"),
        ("CtrlSum", 0, 1, "Decimal"),
        ("ReqdExctnDt", 1, 1, "Execution"),
        ("Dbtr", 1, 1, "Party"),
        ("DbtrAcct", 1, 1, "Account"),
        ("DbtrAgt", 1, 1, "Agent"),
        ("ChrgBr", 0, 1, "Bearer"),
        ("CdtTrfTxInf", 1, _MANY, "Transfer"),
    ],
    "Transfer": [
        ("PmtId", 1, 1, "Identity"),
        ("Amt", 1, 1, "Money"),
        ("ChrgBr", 0, 1, "Bearer"),
        ("CdtrAgt", 0, 1, "Agent"),
        ("Cdtr", 0, 1, "Party"),
        ("CdtrAcct", 0, 1, "Account"),
        ("RmtInf", 0, 1, "Remittance"),
    ],
    "Identity": [("InstrId", 0, 1, "Max35"), ("EndToEndId", 1, 1, "Max35")],
    "Money": [("InstdAmt", 1, 1, "Amount")],
    "Party": [("Nm", 0, 1, "Max140")],
    "Account": [("Id", 1, 1, "AccountIdentity")],
    "Agent": [("FinInstnId", 1, 1, "Institution")],
    "Institution": [
        ("BICFI", 0, 1, "BIC"),
        ("Nm", 0, 1, "Max140"),
        ("Othr", 0, 1, "OtherInstitution"),
    ],
    "OtherInstitution": [("Id", 1, 1, "Max35")],
    "OtherAccount": [("Id", 1, 1, "Max34")],
    "Remittance": [("Ustrd", 0, _MANY, "Max140")],
}
_CHOICES: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "AccountIdentity": [("IBAN", "IBAN"), ("Othr", "OtherAccount")],
    "Execution": [("Dt", "Date"), ("DtTm", "DateTime")],
}


def complaints(content: bytes) -> list[str]:
    """What is wrong with an order, each with the path of its element; empty when nothing is."""
    root = ElementTree.fromstring(content)  # noqa: S314 - we wrote it
    if root.tag != f"{{{NAMESPACE}}}Document":
        return [f"the root is {root.tag}"]
    return list(_check(root, "Document", "Document"))


def texts(content: bytes) -> dict[str, str]:
    """Texts of an order with one transfer by their path below the document."""
    found: dict[str, str] = {}

    def walk(element: ElementTree.Element, path: str) -> None:
        if len(element) == 0:
            found[path] = element.text or ""
        for child in element:
            name = _name(child)
            walk(child, f"{path}/{name}" if path else name)

    walk(ElementTree.fromstring(content), "")  # noqa: S314 - we wrote it
    return found


def _name(element: ElementTree.Element) -> str:
    namespace, _, name = element.tag.rpartition("}")
    return name if namespace == f"{{{NAMESPACE}" else element.tag


def _check(element: ElementTree.Element, kind: str, path: str) -> Iterator[str]:
    if kind in _TEXTS:
        yield from _text(element, kind, path)
        return
    if (element.text or "").strip():
        yield f"{path} holds text"
    if element.attrib:
        yield f"{path} has attributes"
    if kind in _CHOICES:
        yield from _choice(element, _CHOICES[kind], path)
    else:
        yield from _sequence(element, _SEQUENCES[kind], path)


def _text(element: ElementTree.Element, kind: str, path: str) -> Iterator[str]:
    if len(element):
        yield f"{path} has children"
    if re.fullmatch(_TEXTS[kind], element.text or "", re.ASCII) is None:
        yield f"{path} is no {kind}"
    allowed = {"Ccy"} if kind == "Amount" else set()
    if set(element.attrib) != allowed:
        yield f"{path} has the attributes {sorted(element.attrib)}"
    if kind == "Amount" and re.fullmatch(r"[A-Z]{3}", element.attrib.get("Ccy", "")) is None:
        yield f"{path} names no currency"


def _choice(
    element: ElementTree.Element, options: Sequence[tuple[str, str]], path: str
) -> Iterator[str]:
    kinds = dict(options)
    names = [_name(child) for child in element]
    if len(names) != 1 or names[0] not in kinds:
        yield f"{path} holds {names}, not one of {sorted(kinds)}"
        return
    yield from _check(element[0], kinds[names[0]], f"{path}/{names[0]}")


def _sequence(element: ElementTree.Element, parts: Sequence[Part], path: str) -> Iterator[str]:
    children = list(element)
    for name, least, most, kind in parts:
        count = 0
        while children and _name(children[0]) == name:
            yield from _check(children.pop(0), kind, f"{path}/{name}")
            count += 1
        if not least <= count <= most:
            yield f"{path}/{name} stands there {count} times"
    for child in children:
        yield f"{path}/{_name(child)} is not expected there"
