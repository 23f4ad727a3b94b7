"""Figures for Prometheus, as a file.

An evaluation isn't a service that could be scraped: it leaves a file, in one step, and the
service (FACEKEY_METRICS_DIR) or a node exporter beside it serves what the newest one says.
"""

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from facekey.evaluation.report import Report
from facekey.evaluation.wrong import unusable

LABELS = ("protocol", "network", "line")
AT_RATE = (*LABELS, "fmr")


def write_textfile(report: Report, path: Path) -> None:
    """Write `*.prom` in one step: a reader sees the old figures or the new ones.

    Raises:
        RequestInvalid: the folder isn't there, or can't be written.
    """
    require_name(path)
    try:
        write_to_textfile(str(path), _registry(report))
    except OSError as error:
        raise unusable(f"{path} can't be written: {error.strerror}") from error


def require_name(path: Path) -> None:
    """Check what the file is called.

    Raises:
        RequestInvalid: the collector wouldn't read it.
    """
    if path.suffix != ".prom":
        raise unusable(f"{path.name}: whoever serves such files reads those whose names end in .prom")


def _registry(report: Report) -> CollectorRegistry:
    registry = CollectorRegistry()

    def gauge(name: str, said: str, labels: tuple[str, ...] = LABELS) -> Gauge:
        return Gauge(f"facekey_model_{name}", said, labels, registry=registry)

    plain = {
        "accuracy": gauge("accuracy", "Share of right answers over the folds of a list of pairs."),
        "eer": gauge("equal_error_rate", "Where false matches and false non-matches are equally frequent."),
        "tar_at_threshold": gauge(
            "true_accept_rate", "Share of the rightful who are accepted at the deployment's threshold."
        ),
        "fmr_at_threshold": gauge(
            "false_match_rate", "Share of strangers who are accepted at the deployment's threshold."
        ),
        "failure_to_acquire": gauge("failure_to_acquire", "Share of pictures that the pipeline sends back."),
        "bpcer": gauge("bpcer", "Share of live faces that are taken for a spoof."),
        "detection_recall": gauge("detection_recall", "Share of faces that are found."),
        "fpir_at_threshold": gauge(
            "false_positive_identification_rate", "Share of searches by strangers that name somebody."
        ),
        "fnir_at_threshold": gauge(
            "false_negative_identification_rate",
            "Share of searches by the enrolled that don't name them first.",
        ),
    }
    bounds = gauge("accuracy_bound", "95 % interval of facekey_model_accuracy.", (*LABELS, "bound"))
    fnmr = gauge(
        "false_non_match_rate", "Share of the rightful who are missed at a false match rate.", AT_RATE
    )
    made = gauge("evaluated_timestamp_seconds", "When these figures were measured.", ("protocol",))
    about = gauge(
        "evaluation_info", "What was measured with which data.", ("protocol", "version", "manifest_sha256")
    )
    for section in report.sections:
        made.labels(section.key).set(report.made_at.timestamp())
        about.labels(section.key, report.version, section.manifest_sha256).set(1)
        for figure in section.figures:
            labels = (section.key, figure.system, str(figure.line))
            if figure.name in plain:
                plain[figure.name].labels(*labels).set(figure.value)
            if figure.name == "fnmr_at_fmr" and figure.at is not None:
                fnmr.labels(*labels, f"{figure.at:g}").set(figure.value)
            if figure.name == "accuracy" and figure.share is not None:
                bounds.labels(*labels, "low").set(figure.share.low)
                bounds.labels(*labels, "high").set(figure.share.high)
    return registry
