"""People's Markdown to inert HTML: no tag, script, picture or address of theirs ever becomes active. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from audits.wording import printable

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto"}
_TOP_HEADING, _LOWEST_HEADING = 4, 6
_ACTIVE_SCHEME = re.compile(r"\b(javascript|vbscript|data|file)\\?\s*:", re.IGNORECASE)


def html_from_markdown(text: str) -> str:
    """Render CommonMark with tables; headings begin at ``h4``, pictures become links, links are http(s) or mailto only.

    Raw HTML in ``text`` is shown as the characters it is. The result is safe to insert unescaped.
    """
    import nh3
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(printable(text))
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = int(token.tag[1]) + _TOP_HEADING - 1
            token.tag = f"h{min(level, _LOWEST_HEADING)}"
        if token.type in {"th_open", "td_open"} and token.attrGet("style") == "text-align:right":
            token.attrSet("class", "number")
    html: str = parser.renderer.render(tokens, parser.options, {})
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}},
        allowed_classes={"th": {"number"}, "td": {"number"}},
        attribute_filter=_keep_attribute,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def inert_markdown(text: str) -> str:
    """``text`` as Markdown that stays inert in any renderer: raw HTML and active address schemes are defused.

    ``<`` and ``&`` become entities, so no tag and no disguised letter survives; ``javascript:`` and its kin lose their colon's
    effect by a space, which no link destination may hold.
    """
    plain = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return _ACTIVE_SCHEME.sub(r"\1 :", plain)


def table_cell(text: str) -> str:
    """``text`` as one cell of a Markdown table: inert, on one line, its bars escaped."""
    return " ".join(inert_markdown(text).split()).replace("\\", "\\\\").replace("|", "\\|")


def web_address(url: str) -> str | None:
    """``url`` if it is an absolute http(s) address that a page may link to, else ``None``."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        return value
    if (tag, attribute) != ("a", "href"):
        return None
    return value if value.startswith("mailto:") else web_address(value)
