"""Who opened a link: a person, or a machine that looks at links before a person does.

Mail gateways fetch every link of a mail. Such a visit is labelled and never counts as read, and no
visit of any kind agrees to anything: only a form that is sent does.
Source: product.md N12; domain/reconciliation.md §5.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

TOO_SOON: Final = timedelta(seconds=20)
"""A link opened so shortly after its mail left was opened by a gateway."""

_SCANNERS: Final = re.compile(
    r"bot\b|crawl|spider|preview|scan|proofpoint|barracuda|mimecast|safelinks|fireeye|trendmicro|"
    r"symantec|sophos|forcepoint|messagelabs|urldefense|bingpreview|googleimageproxy|yahoomail"
    r"proxy|slack|whatsapp|telegram|facebookexternal|skypeuri|teams|curl|wget|python|java/|"
    r"okhttp|go-http|libwww|httpclient|headless|phantom|axios|node-fetch",
    re.IGNORECASE,
)


class Visitor(StrEnum):
    """Who a visit is taken for."""

    PERSON = "person"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Visit:
    """One opening of a link. ``reasons`` say what gave a machine away; empty for a person."""

    at: datetime
    visitor: Visitor
    reasons: tuple[str, ...] = ()


def judge(
    at: datetime,
    *,
    headers: Mapping[str, str],
    mailed_at: datetime | None = None,
) -> Visit:
    """Label a visit.

    Shapes: ``headers`` have lower-case names. Reasons: ``agent`` (the program names itself, or
    nothing), ``prefetch`` (a browser loads ahead), ``language`` (a browser of a person names its
    languages), ``too_soon``.
    """
    reasons: list[str] = []
    user_agent = headers.get("user-agent", "")
    if not user_agent or _SCANNERS.search(user_agent):
        reasons.append("agent")
    purpose = headers.get("sec-purpose", "") + headers.get("purpose", "")
    if "prefetch" in purpose or "prerender" in purpose:
        reasons.append("prefetch")
    if not headers.get("accept-language"):
        reasons.append("language")
    if mailed_at is not None and timedelta(0) <= at - mailed_at < TOO_SOON:
        reasons.append("too_soon")
    return Visit(at, Visitor.MACHINE if reasons else Visitor.PERSON, tuple(reasons))
