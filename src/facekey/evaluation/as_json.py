"""The report as JSON: everything that the page shows and the points of its curves, never a face or a vector.

The form has a name, `facekey-evaluation/1`; the number rises when a key changes its meaning
or goes. New keys may come without that.
"""

import json

from facekey.evaluation.rates import Share
from facekey.evaluation.report import SCHEMA, Drawn, Figure, Report, Section


def as_json(report: Report) -> str:
    """The report as one JSON object."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "made_at": report.made_at.isoformat(timespec="seconds"),
            "version": report.version,
            "machine": report.machine,
            "command": report.command,
            "match_fmr": report.match_fmr,
            "liveness_threshold": report.liveness_threshold,
            "networks": [
                {
                    "name": one.name,
                    "title": one.title,
                    "task": one.task,
                    "sha256": one.sha256,
                    "calibrated": one.calibrated,
                }
                for one in report.networks
            ],
            "sections": [_section(one) for one in report.sections],
        },
        indent=1,
        allow_nan=False,
    )


def _section(section: Section) -> dict[str, object]:
    return {
        "key": section.key,
        "title": section.title,
        "protocol": list(section.protocol),
        "notes": list(section.notes),
        "data": {"pictures": section.pictures, "manifest_sha256": section.manifest_sha256},
        "figures": [_figure(one) for one in section.figures],
        "tables": [
            {"title": one.title, "columns": list(one.columns), "rows": [list(row) for row in one.rows]}
            for one in section.tables
        ],
        "curves": [_drawn(one) for one in section.drawn],
        "failures": [
            {"left": one.left, "right": one.right, "mated": one.mated, "score": round(one.score, 4)}
            for one in section.failures
        ],
    }


def _figure(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "said": figure.said,
        "system": figure.system,
        "line": str(figure.line),
        "value": figure.value,
        "at_fmr": figure.at,
        "threshold": figure.threshold,
        **({} if figure.share is None else _share(figure.share)),
    }


def _share(share: Share) -> dict[str, object]:
    return {
        "low": share.low,
        "high": share.high,
        "interval": share.interval,
        "hits": share.hits,
        "total": share.total,
    }


def _drawn(drawn: Drawn) -> dict[str, object]:
    return {
        "system": drawn.system,
        "fmr": list(drawn.curve.fmr),
        "fnmr": list(drawn.curve.fnmr),
        "histogram": {
            "edges": list(drawn.histogram.edges),
            "mated": list(drawn.histogram.mated),
            "impostor": list(drawn.histogram.impostor),
        },
    }
