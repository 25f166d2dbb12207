"""Bank statements for tests: synthetic accounts, in every format, from one list of movements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

ACCOUNT: Final = "GR1601101250000000012300695"


@dataclass(frozen=True)
class Move:
    """A movement; ``amount`` in cents, negative goes out."""

    amount: int
    rf: str = ""
    text: str = ""
    day: date = date(2026, 6, 1)
    value: date | None = None
    reversal: bool = False
    bank_reference: str = ""
    end_to_end: str = ""
    name: str = "Ελένη Δοκιμή"
    accepted: str = ""


def money(minor: int, point: str = ".") -> str:
    """Digits with a decimal sign."""
    return f"{abs(minor) // 100}{point}{abs(minor) % 100:02d}"


def _details(move: Move, version: str, *, amount: bool) -> str:
    party = "<Pty><Nm>{}</Nm></Pty>" if version == "08" else "<Nm>{}</Nm>"
    agent = "BICFI" if version == "08" else "BIC"
    own = ""
    if amount:
        text = f'<Amt Ccy="EUR">{money(move.amount)}</Amt>'
        own = text if version == "08" else f"<AmtDtls><TxAmt>{text}</TxAmt></AmtDtls>"
    bank = f"<AcctSvcrRef>{move.bank_reference}</AcctSvcrRef>" if move.bank_reference else ""
    strd = (
        "<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp>"
        f"<Ref>{move.rf}</Ref></CdtrRefInf></Strd>"
        if move.rf
        else ""
    )
    ustrd = f"<Ustrd>{move.text}</Ustrd>" if move.text else ""
    dates = (
        f"<RltdDts><AccptncDtTm>{move.accepted}</AccptncDtTm></RltdDts>" if move.accepted else ""
    )
    return (
        f"<TxDtls><Refs>{bank}<EndToEndId>{move.end_to_end or 'NOTPROVIDED'}</EndToEndId></Refs>"
        f"{own}<RltdPties><Dbtr>{party.format(move.name)}</Dbtr></RltdPties>"
        f"<RltdAgts><DbtrAgt><FinInstnId><{agent}>PIRBGRAA</{agent}></FinInstnId></DbtrAgt>"
        f"</RltdAgts><RmtInf>{ustrd}{strd}</RmtInf>{dates}</TxDtls>"
    )


def camt(
    moves: Iterable[Move | Sequence[Move]],
    *,
    kind: str = "053",
    version: str = "08",
    opening: int = 100_000,
    closing: int | None = None,
    pending: bool = False,
) -> bytes:
    """A camt.053 or camt.054; a list among the moves is one collective entry."""
    entries, total = [], 0
    for item in moves:
        group = [item] if isinstance(item, Move) else list(item)
        signed = sum(move.amount for move in group)
        total += signed
        first = group[0]
        status = "PDNG" if pending else "BOOK"
        status = f"<Cd>{status}</Cd>" if version == "08" else status
        details = "".join(_details(move, version, amount=len(group) > 1) for move in group)
        entries.append(
            f'<Ntry><Amt Ccy="EUR">{money(signed)}</Amt>'
            f"<CdtDbtInd>{'CRDT' if signed >= 0 else 'DBIT'}</CdtDbtInd>"
            f"{'<RvslInd>true</RvslInd>' if first.reversal else ''}<Sts>{status}</Sts>"
            f"<BookgDt><Dt>{first.day}</Dt></BookgDt>"
            f"<ValDt><Dt>{first.value or first.day}</Dt></ValDt>"
            "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly>"
            f"</Domn></BkTxCd><NtryDtls>{details}</NtryDtls></Ntry>"
        )
    end = opening + total if closing is None else closing
    message, part = (
        ("BkToCstmrStmt", "Stmt") if kind == "053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    )
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="EUR">{money(amount)}</Amt>'
        f"<CdtDbtInd>{'CRDT' if amount >= 0 else 'DBIT'}</CdtDbtInd></Bal>"
        for code, amount in (("OPBD", opening), ("CLBD", end))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"><{message}>'
        f"<GrpHdr><MsgId>M1</MsgId></GrpHdr><{part}><Id>ST-1</Id>"
        f"<Acct><Id><IBAN>{ACCOUNT}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balances if kind == '053' else ''}{chr(10).join(entries)}"
        f"</{part}></{message}></Document>"
    ).encode()


def mt940(
    moves: Iterable[Move], *, opening: int = 100_000, closing: int | None = None, style: str = "?"
) -> bytes:
    """An MT940 in one of three styles of field 86: ``?``, ``/`` or free text."""
    lines, total = [], 0
    for move in moves:
        total += move.amount
        mark = "C" if move.amount >= 0 else "D"
        if move.reversal:
            mark = "RD" if mark == "C" else "RC"
        bank = f"//{move.bank_reference}" if move.bank_reference else ""
        day = move.value or move.day
        lines.append(
            f":61:{day:%y%m%d}{move.day:%m%d}{mark}{money(move.amount, ',')}NTRFNONREF{bank}"
        )
        text = f"{move.text} {move.rf}".strip()
        if style == "?":
            pieces = [text[i : i + 27] for i in range(0, len(text), 27)] or [""]
            subfields = "".join(f"?{20 + n}{piece}" for n, piece in enumerate(pieces))
            body = f"166?00CREDIT{subfields}?30PIRBGRAAXXX?32{move.name}"
        elif style == "/":
            body = f"/EREF/{move.end_to_end or 'NOTPROVIDED'}/REMI/{text}/NAME/{move.name}"
        else:
            body = text or "-"
        cut = [body[i : i + 65] for i in range(0, len(body), 65)]
        lines += [f":86:{cut[0]}", *cut[1:]]
    end = opening + total if closing is None else closing
    return "\r\n".join(
        [
            "{1:F01PIRBGRAAXXXX0000000000}{2:I940PIRBGRAAXXXXN}{4:",
            ":20:STATEMENT1",
            f":25:{ACCOUNT}",
            ":28C:123/1",
            f":60F:C260531EUR{money(opening, ',')}",
            *lines,
            f":62F:{'C' if end >= 0 else 'D'}260601EUR{money(end, ',')}",
            "-}",
            "",
        ]
    ).encode()


def csv_text(moves: Iterable[Move], *, opening: int = 100_000) -> str:
    """A Greek CSV with a running balance, oldest first."""
    rows, balance = ["Κινήσεις λογαριασμού", "Ημερομηνία;Valeur;Περιγραφή;Ποσό;Υπόλοιπο"], opening
    for move in moves:
        balance += move.amount
        sign = "-" if move.amount < 0 else ""
        rows.append(
            f"{move.day:%d/%m/%Y};{move.value or move.day:%d/%m/%Y};{move.text} {move.rf};"
            f"{sign}{money(move.amount, ',')};{'-' if balance < 0 else ''}{money(balance, ',')}"
        )
    return "\r\n".join([*rows, ""])
