"""Style sheets that use Jupyter's variables with neutral fallbacks, and no other colours.

Every rule is optional: without them, as in mail or on code hosting sites, the same words appear in
the same order. The class is doubled, so that the rules take precedence over a notebook's rules for
tables and <pre>.
"""

from __future__ import annotations

SECTION = """\
section.azml.azml{color:var(--jp-ui-font-color1,currentColor);line-height:1.5;overflow:hidden;padding:2px}
section.azml.azml .azml-status{border-left:3px solid currentColor;padding-left:.6em;margin:0 0 .5em}
section.azml.azml .azml-ok{border-color:var(--jp-success-color1,currentColor)}
section.azml.azml .azml-failed{border-color:var(--jp-error-color1,currentColor)}
section.azml.azml .azml-dim{opacity:.8}
section.azml.azml ul.azml-findings{list-style:none;margin:.5em 0;padding:0}
section.azml.azml .azml-findings li{border-left:3px solid var(--jp-border-color1,currentColor);\
margin:.3em 0;padding-left:.6em;overflow-wrap:anywhere}
section.azml.azml .azml-findings li.azml-warning{border-color:var(--jp-warn-color1,currentColor)}
section.azml.azml .azml-findings li.azml-error{border-color:var(--jp-error-color1,currentColor)}
section.azml.azml .azml-scroll{overflow-x:auto;margin:.5em 0}
section.azml.azml table{border-collapse:collapse;border:0;margin:0;width:auto;\
font-size:var(--jp-ui-font-size1,.9em);font-variant-numeric:tabular-nums}
section.azml.azml table :is(th,td){border:0;padding:.3em .8em;text-align:left;vertical-align:top;\
max-width:24em;white-space:pre-wrap;overflow-wrap:anywhere}
section.azml.azml table th{font-weight:600;white-space:pre}
section.azml.azml table thead th{border-bottom:1px solid var(--jp-border-color1,currentColor);\
vertical-align:bottom}
section.azml.azml table tbody th{font-weight:400;opacity:.8}
section.azml.azml table tbody tr:nth-child(even){\
background:var(--jp-rendermime-table-row-background,rgba(128,128,128,.08))}
section.azml.azml table .azml-number{text-align:right;white-space:pre}
section.azml.azml table small{font-weight:400;font-size:.9em;opacity:.8}
section.azml.azml p{margin:.4em 0}
section.azml.azml details{margin:.4em 0}
section.azml.azml summary{cursor:pointer}
section.azml.azml pre{background:var(--jp-layout-color2,rgba(128,128,128,.1));\
color:var(--jp-content-font-color1,currentColor);\
font-family:var(--jp-code-font-family,monospace);font-size:var(--jp-code-font-size,.9em);\
line-height:1.4;margin:.4em 0;max-height:28em;overflow:auto;padding:.6em .8em;\
white-space:pre-wrap;overflow-wrap:anywhere}
section.azml.azml pre.azml-traceback{white-space:pre;overflow-wrap:normal}
section.azml.azml pre b{font-weight:600}"""

FIGURE = """\
figure.azml-figure{margin:.5em 0;overflow:hidden}
figure.azml-figure img{background:white;height:auto;max-width:100%}
figure.azml-figure figcaption{color:var(--jp-ui-font-color1,currentColor);margin:.3em 0;\
overflow-wrap:anywhere}
figure.azml-preview img{outline:1px dashed currentColor;outline-offset:-1px}"""

PAGE = """\
:root{color-scheme:light dark}
body{background:Canvas;color:CanvasText;font:15px/1.5 system-ui,sans-serif;margin:0}
main{margin:0 auto;max-width:60rem;padding:1.5rem}
h1{font-size:1.4rem;font-weight:600;margin:0 0 1rem;overflow-wrap:anywhere}
figure.azml-figure{margin:1.5rem 0}"""
