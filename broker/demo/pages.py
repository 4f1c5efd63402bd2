"""HTML answers of the demo: templates with escaping on, the security headers, and one stylesheet an app.

Refuses scripts, inline styles, frames and anything from another origin.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_HERE = Path(__file__).parent

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """Renders the templates of one app, found in `templates/<folder>`, styled by `styles/<folder>.css`.

    `form_action` is the sources for the CSP directive of that name, beside which everything but the app's own
    stylesheet and images is refused.
    """

    def __init__(self, folder: str, *, form_action: str = "'self'") -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates" / folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._icon = (_HERE / "styles" / f"{folder}.svg").read_bytes()
        self._style = (_HERE / "styles" / f"{folder}.css").read_bytes()
        self._policy = (
            "default-src 'none'; style-src 'self'; img-src 'self'; "
            f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
        )

    def page(self, template: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The rendered template as an answer that is never stored and never framed."""
        html = self._templates.get_template(template).render(values)
        return HTMLResponse(html, status, HEADERS | {"Content-Security-Policy": self._policy})

    async def stylesheet(self, request: Request) -> Response:
        """The app's stylesheet."""
        return Response(self._style, media_type="text/css", headers={"Cache-Control": "max-age=60"})

    async def icon(self, request: Request) -> Response:
        """The app's icon."""
        return Response(self._icon, media_type="image/svg+xml", headers={"Cache-Control": "max-age=60"})


def same_origin(request: Request) -> bool:
    """Whether a POST was sent by our own page, as far as the browser says; a program sends no such header.

    Source: W3C Fetch Metadata, `Sec-Fetch-Site`.
    """
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
