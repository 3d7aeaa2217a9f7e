"""The audit dossier as PDF/A-3: made without a network, the evidence embedded, the same bytes for the same dossier."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

from audits.document_templates import render
from audits.document_view import document_view
from audits.dossier import Dossier
from audits.seal import seal
from audits.svg import for_paper
from registry.canonical import parse_json
from registry.errors import IntegrityFailure, InvalidInput

PageSize = Literal["A4", "Letter"]

ATTACHMENT = "dossier.json"
"""Name of the embedded evidence."""

INK = "#16202c"
ACCENT = "#1f4e8c"
SANS = "'Linux Biolinum O','Libertinus Sans','Noto Sans','DejaVu Sans',sans-serif"
SUMMARY_RULES = 7
"""Rules that the one-page summary has room for; what blocks comes first."""

CONTENTS = (
    ("summary", "1", "Summary"), ("verdict", "2", "The verdict, rule by rule"), ("evidence", "3", "Evidence"),
    ("signatures", "4", "Sign-offs"), ("lineage", "5", "What it is made of"), ("changes", "6", "What changed"),
    ("documents", "7", "Model card"), ("ledger", "8", "Ledger excerpt"), ("tables", "A", "Tables behind the figures"),
    ("runs", "B", "Evaluations"), ("digests", "C", "Digests in full"),
)  # fmt: skip

_NO_GLYPH = re.compile(r"\.notdef glyph .*\(U\+([0-9A-F]{4,6})\)", re.DOTALL)
_rendering = threading.Lock()


def audit_pdf(dossier: Dossier, evidence_json: bytes, *, page_size: PageSize = "A4") -> bytes:
    """Render ``dossier`` for people and embed ``evidence_json`` for machines.

    Parameters
    ----------
    evidence_json
        ``dossier.canonical()`` as stored; embedded byte for byte as ``dossier.json`` (relationship "Source").
    page_size
        ``A4`` or ``Letter``.

    Returns
    -------
    bytes
        A PDF/A-3u file with tags, fonts embedded; the same arguments give the same bytes on the same installation.

    Raises
    ------
    IntegrityFailure
        When the evidence belongs to another decision, or something in the document asked for the network or a file.
    InvalidInput
        When the page size is not known, or the document cannot be laid out without a warning.
    """
    if page_size not in {"A4", "Letter"}:
        raise InvalidInput(f"page size {page_size!r} is not A4 or Letter", field="page_size")
    evidence = parse_json(evidence_json, what="evidence")
    if not isinstance(evidence, dict) or evidence.get("subject_sha256") != dossier.subject_sha256:
        raise IntegrityFailure("the evidence to embed belongs to another decision", field="evidence_json")
    identifier = hashlib.sha256(b"\0".join((dossier.canonical(), evidence_json, page_size.encode()))).digest()[:16]
    moment = datetime.fromisoformat(dossier.generated_at).astimezone(UTC)
    return pdf_from_html(
        audit_html(dossier, page_size=page_size), evidence_json=evidence_json, identifier=identifier, moment=moment
    )


def audit_html(dossier: Dossier, *, page_size: PageSize = "A4") -> str:
    """The document before layout: one HTML page with everything inline."""
    view = document_view(dossier, picture=lambda svg: for_paper(svg, ink=INK, font=SANS))
    ranked = [*view["open_rules"], *(rule for rule in view["rules"] if rule not in view["open_rules"])]
    rest = len(ranked) - SUMMARY_RULES
    return render(
        "audit.html",
        {
            **view,
            "page_size": page_size,
            "created": dossier.generated_at,
            "attachment": ATTACHMENT,
            "contents": [{"anchor": anchor, "number": number, "title": title} for anchor, number, title in CONTENTS],
            "seal": seal(
                dossier.subject_sha256, ink=ACCENT, words=(dossier.decision.result, view["decision"]["day"]), font=SANS
            ),
            "qr": _qr(dossier.verification_url),
            "rule_count": f"{len(ranked)} rule{'' if len(ranked) == 1 else 's'}",
            "summary_rules": ranked[:SUMMARY_RULES],
            "summary_rest": f"And {rest} more, in section 2; what blocks is listed first." if rest > 0 else "",
        },
    )


def pdf_from_html(html: str, *, evidence_json: bytes, identifier: bytes, moment: datetime) -> bytes:
    """Lay out trusted ``html`` as PDF/A-3u with the evidence attached; any request or warning of the renderer is an error."""
    spelled = html
    for _ in range(2):
        data, complaints = _lay_out(spelled, evidence_json=evidence_json, identifier=identifier, moment=moment)
        if not complaints:
            return data
        missing = {found.group(1) for complaint in complaints if (found := _NO_GLYPH.search(complaint))}
        if not missing or not all(_NO_GLYPH.search(complaint) for complaint in complaints):
            break
        # PDF/A forbids the empty box: a letter that no installed font has is spelled as its code point instead.
        spelled = spelled.translate({int(code, 16): f"[U+{code}]" for code in missing})
    raise InvalidInput(f"the PDF was not made: {'; '.join(complaints)[:500]}")


def _lay_out(html: str, *, evidence_json: bytes, identifier: bytes, moment: datetime) -> tuple[bytes, list[str]]:
    import weasyprint
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    class Closed(URLFetcher):  # type: ignore[misc]
        """Fetches nothing, from nowhere, and says so."""

        def fetch(self, url: str, headers: object = None) -> Any:
            raise FatalURLFetchingError(f"the document asked for {url[:200]}; everything must be inline")

    out = io.BytesIO()
    with _rendering, _fixed_time(moment), _listening("weasyprint") as complaints:
        attachment = weasyprint.Attachment(
            string=evidence_json, name=ATTACHMENT, description="The complete evidence as canonical JSON (RFC 8785)",
            created=moment, modified=moment, relationship="Source",
        )  # fmt: skip
        try:
            weasyprint.HTML(string=html, url_fetcher=Closed(fail_on_errors=True)).write_pdf(
                out, finisher=_list_files_once, pdf_variant="pdf/a-3u", pdf_tags=True, pdf_identifier=identifier,
                attachments=[attachment], presentational_hints=False,
            )  # fmt: skip
        except FatalURLFetchingError as error:
            raise IntegrityFailure(f"the PDF was not made: {error}") from error
    return out.getvalue(), complaints


def _list_files_once(_document: Any, pdf: Any) -> None:
    """WeasyPrint 70 lists an associated file twice, by name and by object."""
    files = pdf.catalog["AF"]
    files[:] = list(dict.fromkeys(files))


def _qr(url: str) -> str:
    import segno

    drawn: str = segno.make(url, error="m", micro=False).svg_inline(
        border=0, dark=INK, svgclass=None, lineclass=None, omitsize=True
    )
    return drawn


@contextmanager
def _fixed_time(moment: datetime) -> Iterator[None]:
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(moment.timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


class _Ear(logging.Handler):
    """Keeps what the renderer complains about: it logs problems, drops the part, and goes on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.heard.append(record.getMessage())


@contextmanager
def _listening(name: str) -> Iterator[list[str]]:
    logger, ear = logging.getLogger(name), _Ear()
    logger.addHandler(ear)
    try:
        with warnings.catch_warnings():
            # WeasyPrint leaves closing its own colour profile to the garbage collector.
            warnings.filterwarnings("ignore", message=r"unclosed file .*sRGB2014\.icc", category=ResourceWarning)
            yield ear.heard
    finally:
        logger.removeHandler(ear)
