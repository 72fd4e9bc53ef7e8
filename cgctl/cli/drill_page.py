"""`drill-show --html`: one page that says everything of a drill, for whoever audits it. No script, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from cgctl import __version__
from cgctl.errors import UsageError

Fields = Mapping[str, Any]

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; background: #fff }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd }}
th {{ white-space: nowrap; font-weight: 600 }}
td.number {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }}
pre {{ background: #f5f5f5; padding: 1em; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }}
.passed {{ color: #186a3b }} .failed {{ color: #a31515 }}
</style></head><body>
<h1>{title}</h1>
<p>Verdict: <strong class="{verdict_class}">{verdict}</strong>{reason}</p>
<h2>Facts</h2>
<table>{facts}</table>
<h2>Timeline</h2>
<p>Times are UTC, by the clock of the machine that ran cgctl.</p>
<table><tr><th>Time</th><th>Since the beginning</th><th>What happened</th></tr>{timeline}</table>
<h2>Volumes of the clone</h2>
<table>{volumes}</table>
<h2>Check</h2>
<pre>{check}</pre>
<h2>What the check said</h2>
<pre>{log}</pre>
<p>Made by cgctl {version}.</p>
</body></html>
"""
_FACTS = (
    ("Drill", "id", ""),
    ("Group", "group", ""),
    ("Group id", "group_id", ""),
    ("Backend tested", "host", ""),
    ("Recovery point", "point_id", ""),
    ("Recovery point taken", "taken_at", ""),
    ("Begun", "started_at", ""),
    ("Ended", "ended_at", ""),
    ("RTO: until the clone could be used", "rto_seconds", " s"),
    ("RPO: age of the recovery point", "rpo_seconds", " s"),
    ("Clone still there", "is_kept", ""),
)


def write_page(file: str, drill: Fields) -> None:
    """The page, in a file. Raises UsageError where it cannot be written."""
    try:
        Path(file).write_text(page_of(drill), encoding="utf-8")
    except OSError as error:
        raise UsageError(file, f"cannot be written: {error.strerror}", "name another file: --html FILE") from error


def page_of(drill: Fields) -> str:
    """The page of what drill-show shows. Pure; whatever stands in the drill is text, never markup."""
    verdict = str(drill["verdict"])
    facts = "".join(_row(heading, _said(drill[key], unit)) for heading, key, unit in _FACTS)
    return _PAGE.format(
        title=escape(f"Failover drill of group {drill['group'] or drill['group_id']}"),
        verdict_class=verdict if verdict in {"passed", "failed"} else "",
        verdict=escape(verdict),
        reason=escape(f": {drill['reason']}" if drill["reason"] else ""),
        facts=facts,
        timeline="".join(_steps(drill["timeline"])),
        volumes="".join(_row(one["name"], _way(one)) for one in drill["connections"]) or _row("-", "none"),
        check=escape(str(drill["check"] or "none: the clone was made, offered, and not looked into")),
        log=escape(str(drill["log"] or "")),
        version=escape(__version__),
    )


def _steps(timeline: Sequence[Mapping[str, str]]) -> list[str]:
    began = datetime.fromisoformat(timeline[0]["at"]) if timeline else None
    rows = []
    for step in timeline:
        at = datetime.fromisoformat(step["at"])
        since = f"{(at - began).total_seconds():.3f} s" if began else ""
        shown = escape(at.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00"))
        rows.append(f'<tr><td>{shown}</td><td class="number">{since}</td><td>{escape(step["what"])}</td></tr>')
    return rows


def _row(heading: object, text: str) -> str:
    return f"<tr><th>{escape(str(heading))}</th><td>{escape(text)}</td></tr>"


def _said(value: object, unit: str) -> str:
    if value is None:
        return "-"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}{unit}"


def _way(connection: Fields) -> str:
    return ", ".join(f"{key} {value}" for key, value in connection.items() if key != "name")
