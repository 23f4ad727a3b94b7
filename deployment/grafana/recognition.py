"""The dashboard of recognition and liveness: what is decided, on which scores, and whether that changes."""

from panels import BARS, HEAT, LINES, STAT, TABLE, Dashboard, Panel, Query, Row, falling, rising
from service import OF, PER

CLAIMS = 'action=~"authenticate.*"'
WEEK = "a week before"


def spread(title: str, says: str, metric: str, labels: str = "", alerts: tuple[str, ...] = ()) -> Panel:
    """How a score is distributed, over time."""
    more = f",{labels}" if labels else ""
    expr = f"sum by (le) (increase({metric}_bucket{{{OF}{more}}}{PER}))"
    return Panel(HEAT, title, says, (Query(expr, "{{le}}"),), width=12, alerts=alerts)


def drift(title: str, says: str, record: str, legend: str, alert: str) -> Panel:
    """A mean of a day, and the same a week before."""
    series = f'{record}{{job="$job"}}'
    return Panel(
        LINES,
        title,
        says,
        (Query(series, f"{legend} now"), Query(f"{series} offset 1w", f"{legend} {WEEK}")),
        least=None,
        alerts=(alert,),
    )


DECISIONS = (
    Panel(
        STAT,
        "Accepted in the last hour",
        "Of the claims that were decided: retries are not.",
        (Query('job_action:facekey_accepted:ratio_1h{job="$job"}', "{{action}}"),),
        unit="percentunit",
        width=6,
        height=5,
        most=1.0,
        alerts=("FaceKeyAcceptRateJump", "FaceKeyFalseRejects"),
    ),
    Panel(
        STAT,
        "Decided in the last hour",
        "How many claims the share beside counts. Below 50 its alerts are silent.",
        (Query('job_action:facekey_decided:increase1h{job="$job"}', "{{action}}"),),
        width=6,
        height=5,
    ),
    Panel(
        STAT,
        "Spoofs in 15 minutes",
        "Captures that were not taken for live.",
        (Query('job:facekey_spoofs:increase15m{job="$job"}'),),
        width=6,
        height=5,
        steps=rising(5, 10),
        alerts=("FaceKeySpoofs",),
    ),
    Panel(
        STAT,
        "Accuracy of the last evaluation",
        "facekey evaluate, whole pipeline, all networks together. Nothing where its file isn't in"
        " FACEKEY_METRICS_DIR.",
        (
            Query(
                'max by (protocol) (facekey_model_accuracy{job="$job",line="pipeline",network="fusion"})',
                "{{protocol}}",
            ),
        ),
        unit="percentunit",
        width=6,
        height=5,
        steps=falling(0.985, 0.99),
        alerts=("FaceKeyAccuracyLow", "FaceKeyEvaluationOld"),
    ),
    Panel(
        LINES,
        "Decisions by action and outcome",
        "What is asked, and what comes of it.",
        (
            Query(
                f"sum by (action, outcome) (rate(facekey_decisions_total{{{OF}}}{PER}))",
                "{{action}}: {{outcome}}",
            ),
        ),
        unit="ops",
        stacked=True,
    ),
    Panel(
        LINES,
        "Claims by reason",
        "Why claims ended as they did, as the client was told.",
        (Query(f"sum by (reason) (rate(facekey_decisions_total{{{OF},{CLAIMS}}}{PER}))", "{{reason}}"),),
        unit="ops",
        stacked=True,
    ),
    Panel(
        LINES,
        "Captures that must be taken again",
        "By reason. One that grows: light, cameras or the guidance of the application changed.",
        (
            Query(
                f'sum by (reason) (rate(facekey_decisions_total{{{OF},outcome="retry"}}{PER}))', "{{reason}}"
            ),
        ),
        unit="ops",
        stacked=True,
        alerts=("FaceKeyQualityDrift",),
    ),
    Panel(
        LINES,
        "Share accepted, and of strangers",
        "Of the claims that were decided, over an hour, and the mean of the week before.",
        (
            Query('job_action:facekey_accepted:ratio_1h{job="$job"}', "accepted, {{action}}"),
            Query('job_action:facekey_unmatched:ratio_1h{job="$job"}', "no match, {{action}}"),
            Query(
                'avg_over_time(job_action:facekey_accepted:ratio_1h{job="$job"}[1w] offset 1d)',
                "accepted, {{action}}, week before",
            ),
        ),
        unit="percentunit",
        width=12,
        most=1.0,
        alerts=("FaceKeyAcceptRateJump", "FaceKeyFalseRejects"),
    ),
    Panel(
        LINES,
        "Spoofs by action",
        "Suspected spoofs a second.",
        (
            Query(
                f'sum by (action) (rate(facekey_decisions_total{{{OF},reason="spoof_suspected"}}{PER}))',
                "{{action}}",
            ),
        ),
        unit="ops",
        width=12,
        alerts=("FaceKeySpoofs",),
    ),
)

SCORES = (
    spread(
        "Calibrated similarity of claims",
        "Two clouds, strangers below and the rightful above. The threshold is 0.65 by default; what"
        " gathers around it"
        " is decided by chance.",
        "facekey_match_confidence",
        CLAIMS,
        ("FaceKeyFalseRejects", "FaceKeyAcceptRateJump"),
    ),
    spread(
        "Evidence of the accepted",
        "In decades of the false match rate: 6 is one stranger in a million. It sinks when people,"
        " cameras or networks change.",
        "facekey_genuine_evidence",
        alerts=("FaceKeyGenuineDrift",),
    ),
    spread(
        "Liveness",
        "Live faces near 1, spoofs near 0.",
        "facekey_liveness_score",
        alerts=("FaceKeyLivenessDrift",),
    ),
    spread(
        "Quality",
        "Of the captures that were judged.",
        "facekey_quality_score",
        alerts=("FaceKeyQualityDrift",),
    ),
    Panel(
        LINES,
        "Best match of a search",
        "Median of the calibrated similarity of the best match, for searches that had one.",
        (
            Query(
                "histogram_quantile(0.5, sum by (le) "
                f'(rate(facekey_match_confidence_bucket{{{OF},action="identify"}}{PER})))',
                "half",
            ),
        ),
        width=24,
        height=6,
        most=1.0,
    ),
)

DRIFT = (
    drift(
        "Drift of genuine scores",
        "Mean evidence of the accepted over a day, now and a week before. Half a decade apart is an alert.",
        "job:facekey_genuine_evidence:mean_1d",
        "mean",
        "FaceKeyGenuineDrift",
    ),
    drift(
        "Drift of liveness",
        "Mean liveness over a day, now and a week before. 0.1 apart is an alert.",
        "job_action:facekey_liveness_score:mean_1d",
        "{{action}}",
        "FaceKeyLivenessDrift",
    ),
    drift(
        "Drift of quality",
        "Mean quality over a day, now and a week before. 0.1 apart is an alert.",
        "job:facekey_quality_score:mean_1d",
        "mean",
        "FaceKeyQualityDrift",
    ),
    Panel(
        LINES,
        "What the means stand on",
        "Scores of a day. Below 100 nothing is said about drift.",
        (
            Query('job:facekey_genuine_evidence:increase1d{job="$job"}', "accepted"),
            Query('job_action:facekey_liveness_score:increase1d{job="$job"}', "liveness, {{action}}"),
            Query('job:facekey_quality_score:increase1d{job="$job"}', "quality"),
        ),
        width=24,
        height=6,
    ),
)

NETWORKS = (
    Panel(
        TABLE,
        "Networks",
        "What is installed, by the first digits of the SHA-256 of its weights, and which decide. A digest"
        " that nobody"
        " changed must not change.",
        (Query(f"facekey_network_info{{{OF}}}"),),
        width=12,
        height=9,
        columns=("instance", "task", "network", "sha256", "role"),
        alerts=("FaceKeyNetworksChanged", "FaceKeyReplicasDisagree"),
    ),
    Panel(
        LINES,
        "In shadow: agreement",
        "Would the network in shadow have said the same? only_shadow_yes: it would have let somebody in"
        " who wasn't."
        " Nothing is shown while none is tried.",
        (
            Query(
                f"sum by (network, agreement) (rate(facekey_shadow_compared_total{{{OF}}}{PER}))",
                "{{network}}: {{agreement}}",
            ),
        ),
        unit="ops",
        width=12,
        height=9,
        stacked=True,
    ),
    Panel(
        LINES,
        "In shadow: scores",
        "Median score of the network in shadow where those that decide said yes, and where they said no.",
        (
            Query(
                "histogram_quantile(0.5, sum by (le, network, live_said) "
                f"(rate(facekey_shadow_score_bucket{{{OF}}}{PER})))",
                "{{network}}, {{live_said}}",
            ),
        ),
        width=12,
        least=None,
    ),
    Panel(
        LINES,
        "In shadow: not compared",
        "Failures: it could make nothing of the picture. Dropped: the service was busy.",
        (
            Query(
                f"sum by (network) (rate(facekey_shadow_failures_total{{{OF}}}{PER}))", "failed, {{network}}"
            ),
            Query(
                f"sum by (network) (rate(facekey_shadow_dropped_total{{{OF}}}{PER}))", "dropped, {{network}}"
            ),
        ),
        unit="ops",
        width=12,
    ),
)


def rates(*pairs: tuple[str, str]) -> tuple[Query, ...]:
    """Figures of evaluations: each name, and what it is called."""
    return tuple(
        Query(
            f'max by (protocol, network) (facekey_model_{name}{{job="$job"}})',
            f"{said}, {{{{protocol}}}} {{{{network}}}}",
        )
        for name, said in pairs
    )


EVALUATION = (
    Panel(
        LINES,
        "Accuracy",
        "Of lists of pairs, whole pipeline, with its 95 % interval.",
        (
            Query(
                'max by (protocol, network) (facekey_model_accuracy{job="$job",line="pipeline"})',
                "{{protocol}} {{network}}",
            ),
            Query(
                "max by (protocol, network, bound) "
                '(facekey_model_accuracy_bound{job="$job",line="pipeline",network="fusion"})',
                "{{protocol}} {{bound}}",
            ),
        ),
        unit="percentunit",
        least=None,
        most=1.0,
        alerts=("FaceKeyAccuracyLow",),
    ),
    Panel(
        BARS,
        "Missed at a false match rate",
        "The share of the rightful who are missed when so many strangers pass.",
        (
            Query(
                "max by (protocol, network, fmr) "
                '(facekey_model_false_non_match_rate{job="$job",line="pipeline"})',
                "{{protocol}} {{network}} at {{fmr}}",
            ),
        ),
        unit="percentunit",
        steps=rising(0.05, 0.1),
    ),
    Panel(
        BARS,
        "At the deployment's threshold",
        "What users meet: the rightful who are accepted, strangers who are, and equal errors for comparison.",
        rates(
            ("true_accept_rate", "accepted"),
            ("false_match_rate", "strangers accepted"),
            ("equal_error_rate", "equal errors"),
        ),
        unit="percentunit",
    ),
    Panel(
        BARS,
        "Searches",
        "Strangers who are named, and enrolled people who aren't named first.",
        rates(
            ("false_positive_identification_rate", "strangers named"),
            ("false_negative_identification_rate", "enrolled missed"),
        ),
        unit="percentunit",
        steps=rising(0.05, 0.1),
    ),
    Panel(
        BARS,
        "Before recognition",
        "Pictures sent back, live faces taken for a spoof, faces found.",
        rates(
            ("failure_to_acquire", "sent back"),
            ("bpcer", "taken for a spoof"),
            ("detection_recall", "faces found"),
        ),
        unit="percentunit",
    ),
    Panel(
        TABLE,
        "Evaluations",
        "Which versions were measured, on which data (SHA-256 of its list).",
        (Query('max by (protocol, version, manifest_sha256) (facekey_model_evaluation_info{job="$job"})'),),
        columns=("protocol", "version", "manifest_sha256"),
    ),
    Panel(
        STAT,
        "Age of the evaluations",
        "Since it was measured. Measure anew after a change of networks, and every quarter.",
        (
            Query(
                'time() - max by (protocol) (facekey_model_evaluated_timestamp_seconds{job="$job"})',
                "{{protocol}}",
            ),
        ),
        unit="dtdurations",
        width=24,
        height=4,
        steps=rising(60 * 86400, 90 * 86400),
        alerts=("FaceKeyEvaluationOld",),
    ),
)

DASHBOARD = Dashboard(
    uid="facekey-recognition",
    title="FaceKey: recognition and liveness",
    says="What is decided, on which scores, and whether that changes. docs/monitoring.md explains drift.",
    rows=(
        Row("Decisions", DECISIONS),
        Row("Scores", SCORES),
        Row("Drift", DRIFT),
        Row("Networks", NETWORKS),
        Row("Evaluation", EVALUATION),
    ),
    since="now-24h",
)
