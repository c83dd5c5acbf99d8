"""Colours and the few rules of style that the pages share, readable in light and in dark.

Quasar paints text in a colour by its variable, such as `--q-primary`; what stands on dark ground
takes a lighter one, so that small text keeps a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

COLORS = {
    "primary": "#4f46e5",
    "secondary": "#0f766e",
    "accent": "#c026d3",
    "positive": "#15803d",
    "negative": "#b91c1c",
    "warning": "#b45309",
    "info": "#0369a1",
}
"""Each is readable as text on white, and under white text."""

STYLE = """
body { font-feature-settings: "tnum"; }
.omni-page { max-width: 1080px; margin: 0 auto; width: 100%; }
.omni-muted { opacity: .68; }
.omni-quote { border-left: 3px solid var(--q-primary); padding-left: .6rem; }
.q-btn-toggle { flex-wrap: wrap; max-width: 100%; }
.q-btn-toggle .q-btn { padding: 0 .7rem; }
.q-btn--dense.q-btn--outline { padding: .15rem .6rem; }
.omni-text { white-space: pre-wrap; overflow-wrap: anywhere; }
.nicegui-link:not(.text-white) { color: var(--q-primary); }
.body--dark .nicegui-link { --q-primary: #a5b4fc; }
.body--dark .omni-quote { --q-primary: #a5b4fc; }
.body--dark .text-primary { --q-primary: #a5b4fc; }
.body--dark .text-positive { --q-positive: #86efac; }
.body--dark .text-negative { --q-negative: #fca5a5; }
.body--dark .text-warning { --q-warning: #fcd34d; }
.body--dark .text-info { --q-info: #7dd3fc; }
.q-notification__actions { --q-primary: #fff; }
"""
