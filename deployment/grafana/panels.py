"""What a dashboard is made of, and the JSON that Grafana reads: rows of panels, each with its queries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Json = dict[str, object]

SOURCE: Json = {"type": "prometheus", "uid": "facekey-prometheus"}
WIDTH = 24
SCHEMA_VERSION = 39
RUNBOOKS = "/public/runbooks"
"""Where compose lets Grafana serve docs/runbooks."""

GREEN, YELLOW, RED = "green", "yellow", "red"
LINES, STAT, HEAT, TABLE, BARS, STATES = (
    "timeseries",
    "stat",
    "heatmap",
    "table",
    "bargauge",
    "state-timeline",
)


@dataclass(frozen=True)
class Query:
    """One question to Prometheus.

    Attributes:
        legend: with `{{label}}` for the value of a label.
    """

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        says: what is seen, and what of it is good or bad.
        unit: Grafana's name of the unit.
        steps: (from, colour) of values, the lowest first.
        alerts: whose runbooks are linked to.
        words: for values that stand for something.
        columns: labels that a table shows; the others are left out.
        valued: whether a table shows the value, too; that of a fact is always 1.
    """

    kind: str
    title: str
    says: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8
    height: int = 7
    steps: tuple[tuple[float | None, str], ...] = ()
    alerts: tuple[str, ...] = ()
    words: tuple[tuple[str, str, str], ...] = ()
    columns: tuple[str, ...] = ()
    valued: bool = False
    stacked: bool = False
    least: float | None = 0.0
    most: float | None = None


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """One page."""

    uid: str
    title: str
    says: str
    rows: tuple[Row, ...]
    since: str = "now-6h"
    more: tuple[Json, ...] = field(default_factory=tuple)


def rising(warn: float, bad: float) -> tuple[tuple[float | None, str], ...]:
    """Good while it is small."""
    return ((None, GREEN), (warn, YELLOW), (bad, RED))


def falling(bad: float, warn: float) -> tuple[tuple[float | None, str], ...]:
    """Good while it is large."""
    return ((None, RED), (bad, YELLOW), (warn, GREEN))


def as_json(dashboard: Dashboard) -> Json:
    """What Grafana reads."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.says,
        "tags": ["facekey"],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "30s",
        "time": {"from": dashboard.since, "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "type": "dashboards",
                "title": "FaceKey",
                "tags": ["facekey"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "templating": {
            "list": [
                _chosen("job", "facekey_build_info", several=False),
                *_of_job("instance"),
                *dashboard.more,
            ]
        },
        "annotations": {"list": list(_marks())},
        "panels": list(_placed(dashboard.rows)),
    }


def _of_job(label: str) -> Iterator[Json]:
    yield _chosen(label, 'facekey_build_info{job="$job"}', several=True)


def _chosen(label: str, of: str, *, several: bool) -> Json:
    """A variable: the values of a label."""
    made: Json = {
        "type": "query",
        "name": label,
        "label": label.capitalize(),
        "datasource": SOURCE,
        "definition": f"label_values({of}, {label})",
        "query": {"query": f"label_values({of}, {label})", "refId": "A"},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "hide": 0,
        "skipUrlSync": False,
    }
    if several:
        made |= {"allValue": ".+", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return made


def _marks() -> Iterator[Json]:
    """What happened, on every picture: starts, alerts, networks that changed."""
    yield _mark(
        "Starts",
        "blue",
        'facekey_build_info{job="$job"} unless facekey_build_info{job="$job"} offset 1m',
        "{{instance}} {{version}}",
    )
    yield _mark(
        "Alerts",
        "red",
        'ALERTS{alertstate="firing",severity=~"critical|warning"}',
        "{{alertname}} {{instance}}",
    )
    yield _mark(
        "Networks",
        "purple",
        'count by (network, sha256) (facekey_network_info{job="$job",role="deciding"})'
        ' unless count by (network, sha256) (facekey_network_info{job="$job",role="deciding"} offset 1m)',
        "{{network}} {{sha256}}",
    )


def _mark(name: str, colour: str, expr: str, legend: str) -> Json:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "titleFormat": name,
        "textFormat": legend,
        "useValueForTime": False,
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Panels from left to right, rows below each other; numbers in that order."""
    number, top = 1, 0
    for row in rows:
        yield {
            "type": "row",
            "id": number,
            "title": row.title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": top},
            "panels": [],
        }
        number, top, left, deepest = number + 1, top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                top, left, deepest = top + deepest, 0, 0
            yield _panel(panel, number) | {
                "gridPos": {"h": panel.height, "w": panel.width, "x": left, "y": top}
            }
            number, left, deepest = number + 1, left + panel.width, max(deepest, panel.height)
        top += deepest


def _panel(panel: Panel, number: int) -> Json:
    runbooks = ", ".join(f"docs/runbooks/{alert}.md" for alert in panel.alerts)
    return {
        "type": panel.kind,
        "id": number,
        "title": panel.title,
        "description": f"{panel.says}\n\nRunbook: {runbooks}" if runbooks else panel.says,
        "datasource": SOURCE,
        "targets": [_target(panel, query, at) for at, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
        "links": [
            {"title": f"Runbook: {alert}", "url": f"{RUNBOOKS}/{alert}.md", "targetBlank": True}
            for alert in panel.alerts
        ],
        **({"transformations": _columns(panel)} if panel.kind == TABLE else {}),
    }


def _target(panel: Panel, query: Query, at: int) -> Json:
    now = panel.kind in {STAT, TABLE, BARS}
    return {
        "refId": chr(ord("A") + at),
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": now,
        "range": not now,
        "format": {HEAT: "heatmap", TABLE: "table"}.get(panel.kind, "time_series"),
    }


def _defaults(panel: Panel) -> Json:
    made: Json = {"unit": panel.unit, "custom": {}, "mappings": []}
    steps = panel.steps or ((None, GREEN),)
    made["thresholds"] = {
        "mode": "absolute",
        "steps": [{"value": at, "color": colour} for at, colour in steps],
    }
    if panel.kind in {STAT, BARS, STATES, TABLE}:
        made["color"] = {"mode": "thresholds"}
    if panel.kind == TABLE and panel.steps:
        made["custom"] = {"cellOptions": {"type": "color-text"}}
    if panel.kind == LINES:
        made["color"] = {"mode": "palette-classic"}
        made["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 20 if panel.stacked else 5,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
        }
    if panel.kind != HEAT:
        made |= {
            name: value for name, value in (("min", panel.least), ("max", panel.most)) if value is not None
        }
    if panel.words:
        options = {
            value: {"text": text, "color": colour, "index": at}
            for at, (value, text, colour) in enumerate(panel.words)
        }
        made["mappings"] = [{"type": "value", "options": options}]
    return made


def _overrides(panel: Panel) -> list[Json]:
    """In tables of alerts, each name leads to its runbook."""
    if "alertname" not in panel.columns:
        return []
    link = {"title": "Runbook", "url": RUNBOOKS + "/${__value.raw}.md", "targetBlank": True}
    return [
        {
            "matcher": {"id": "byName", "options": "alertname"},
            "properties": [{"id": "links", "value": [link]}],
        }
    ]


def _columns(panel: Panel) -> list[Json]:
    names = [*panel.columns, *(["Value"] if panel.valued else [])]
    shown = {name: at for at, name in enumerate(names)}
    return [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
        {
            "id": "organize",
            "options": {"indexByName": shown, "excludeByName": {}, "renameByName": {"Value": panel.title}},
        },
    ]


def _options(panel: Panel) -> Json:
    last: Json = {"values": False, "calcs": ["lastNotNull"], "fields": ""}
    if panel.kind == LINES:
        return {
            "legend": {
                "showLegend": True,
                "displayMode": "table",
                "placement": "bottom",
                "calcs": ["lastNotNull", "max"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if panel.kind == STAT:
        return {
            "reduceOptions": last,
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
        }
    if panel.kind == BARS:
        return {
            "reduceOptions": last,
            "displayMode": "gradient",
            "orientation": "horizontal",
            "valueMode": "color",
            "showUnfilled": True,
            "minVizWidth": 8,
            "minVizHeight": 16,
        }
    if panel.kind == STATES:
        return {
            "mergeValues": True,
            "showValue": "never",
            "alignValue": "left",
            "rowHeight": 0.9,
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        }
    if panel.kind == HEAT:
        return {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "fill": "dark-orange",
                "scale": "exponential",
                "exponent": 0.5,
                "steps": 64,
                "reverse": False,
            },
            "filterValues": {"le": 1e-9},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": panel.unit},
            "legend": {"show": True},
            "tooltip": {"show": True, "yHistogram": True},
        }
    return {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
    }
