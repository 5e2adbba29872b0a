"""The help page, with documentation and a form for trying a request."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from azml_magic.module.manifest import Manifest, Schema
from azml_magic.scoring.documents import classic_base, example
from azml_magic.scoring.request_tables import INPUT_NAMES
from azml_magic.serving.service_settings import ServiceSettings

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_KINDS = {"help.js": "text/javascript", "help.css": "text/css"}


def routes(manifest: Manifest, settings: ServiceSettings) -> list[BaseRoute]:
    """Return the routes of the page and of the files that it loads."""
    page = _page(manifest, settings)

    async def show(request: Request) -> Response:
        return Response(page, headers=_HEADERS, media_type="text/html")

    async def show_part(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _KINDS:
            return Response(status_code=404)
        return Response(_static(name), headers=_HEADERS, media_type=_KINDS[name])

    return [Route("/", show), Route("/help/{name}", show_part)]


def _page(manifest: Manifest, settings: ServiceSettings) -> str:
    base = classic_base(manifest.name)
    body = example(manifest)
    values = {
        "name": manifest.name,
        "profile": manifest.profile,
        "base": base,
        "swagger": f"{base}/swagger.json",
        "execute": f"{base}/execute?api-version=2.0&details=true",
        "example": json.dumps(body, indent=2),
        "key": "A key is required." if settings.keys else "No key is set; none is required.",
    }
    page = _static("help.html")
    for name, value in values.items():
        page = page.replace("{{" + name + "}}", html.escape(value))
    inputs = (
        (name, manifest.inputs.get(port))
        for port, name in zip(manifest.ports, INPUT_NAMES, strict=False)
    )
    page = page.replace("{{inputs}}", _tables(inputs))
    return page.replace("{{outputs}}", _tables([("output1", manifest.outputs.get("output1"))]))


def _tables(ports: Iterable[tuple[str, Schema | None]]) -> str:
    return "".join(_table(name, schema) for name, schema in ports)


def _table(name: str, schema: Schema | None) -> str:
    title = html.escape(name)
    if schema is None:
        return f"<p>{title}: no columns were recorded; any are accepted.</p>"
    rows = "".join(
        f"<tr><th scope=row>{html.escape(column.name)}</th><td>{column.type}</td>"
        f"<td>{'possible' if column.nullable else ''}</td></tr>"
        for column in schema
    )
    heads = "".join(f"<th scope=col>{head}</th>" for head in ("column", "type", "missing values"))
    return (
        f"<table><caption>{title}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _static(name: str) -> str:
    return (files("azml_magic.serving") / "static" / name).read_text(encoding="utf-8")
