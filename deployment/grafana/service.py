"""The dashboard of the service: is it there, is it quick, is there room."""

from panels import HEAT, LINES, STAT, TABLE, Dashboard, Panel, Query, Row, falling, rising

OF = 'job="$job",instance=~"$instance"'
ASKED = 'route!~"/health.*|/metrics"'
VISION = 'stage!~"load|compare|search|record"'
PER = "[$__rate_interval]"


def quantile(share: float, metric: str, by: str, more: str = "") -> str:
    """A quantile of a histogram, by some labels."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket{{{OF}{more}}}{PER})))"


GLANCE = (
    Panel(
        STAT,
        "Replicas",
        "Replicas that answer Prometheus.",
        (Query('sum(up{job="$job"})'),),
        width=3,
        height=4,
        steps=falling(1, 1),
        alerts=("FaceKeyDown", "FaceKeyAbsent"),
    ),
    Panel(
        STAT,
        "Workers",
        "Processes of all replicas. Fewer than were started: one died and was not replaced.",
        (Query(f"sum(facekey_processes{{{OF}}})"),),
        width=3,
        height=4,
        steps=falling(1, 1),
        alerts=("FaceKeyWorkersMissing",),
    ),
    Panel(
        STAT,
        "Requests",
        "Requests of users and applications a second; probes and Prometheus don't count.",
        (Query('job:facekey_requests:rate5m{job="$job"}'),),
        unit="reqps",
        width=3,
        height=4,
    ),
    Panel(
        STAT,
        "Failing",
        "The share that was answered with 5xx in five minutes. 0.1 % is the objective over 30 days.",
        (Query('job:facekey_request_errors:ratio_rate5m{job="$job"}'),),
        unit="percentunit",
        width=3,
        height=4,
        steps=rising(0.001, 0.05),
        alerts=("FaceKeyErrors", "FaceKeyBudgetBurnsFast", "FaceKeyBudgetBurnsSlowly"),
    ),
    Panel(
        STAT,
        "Slowest authentication in a hundred",
        "One authentication in a hundred takes longer (five minutes). Over 2 s people try again.",
        (Query('job_route:facekey_request_seconds:p99_5m{job="$job",route="/api/v1/authenticate"}'),),
        unit="s",
        width=4,
        height=4,
        steps=rising(1, 2),
        alerts=("FaceKeySlow",),
    ),
    Panel(
        STAT,
        "Queue",
        "How much of the queue before the networks is taken. When it is full, pictures are refused.",
        (Query(f"sum(facekey_pool_waiting{{{OF}}}) / sum(facekey_pool_queue{{{OF}}})"),),
        unit="percentunit",
        width=3,
        height=4,
        steps=rising(0.25, 0.5),
        most=1.0,
        alerts=("FaceKeyQueueFull", "FaceKeyOverloaded"),
    ),
    Panel(
        STAT,
        "Up since",
        "When the process that answered Prometheus last was ready.",
        (Query(f"min(facekey_started_timestamp_seconds{{{OF}}}) * 1000"),),
        unit="dateTimeAsLocal",
        width=5,
        height=4,
        least=None,
        alerts=("FaceKeyRestarts",),
    ),
    Panel(
        TABLE,
        "Alerts",
        "What Prometheus is alerting on now. Each name leads to its runbook. Empty is good.",
        (Query('ALERTS{alertstate="firing"}'),),
        width=14,
        height=6,
        columns=("alertname", "severity", "instance"),
    ),
    Panel(
        TABLE,
        "Versions",
        "What each replica runs. More than one version for longer than an upgrade takes is wrong.",
        (Query(f"facekey_build_info{{{OF}}}"),),
        width=10,
        height=6,
        columns=("instance", "version", "profile", "device"),
        alerts=("FaceKeyVersionsDiffer",),
    ),
)

REQUESTS = (
    Panel(
        LINES,
        "Requests by route",
        "Requests a second. A route that falls to nothing while others go on: its callers can't reach it.",
        (Query(f"sum by (route) (rate(facekey_requests_total{{{OF},{ASKED}}}{PER}))", "{{route}}"),),
        unit="reqps",
        stacked=True,
        alerts=("FaceKeyTrafficGone",),
    ),
    Panel(
        LINES,
        "Answers by status",
        "2xx are decisions, rejections too. 401: no key that counts. 429: a limit. 503: not decided.",
        (Query(f"sum by (status) (rate(facekey_requests_total{{{OF},{ASKED}}}{PER}))", "{{status}}"),),
        unit="reqps",
        stacked=True,
        alerts=("FaceKeyErrors", "FaceKeyCallersRefused"),
    ),
    Panel(
        LINES,
        "Failures against the objective",
        "The share of 5xx over four windows. 14.4 times 0.1 % for an hour uses up a month's budget in two"
        " days.",
        tuple(
            Query(f'job:facekey_request_errors:ratio_rate{window}{{job="$job"}}', window)
            for window in ("5m", "30m", "1h", "6h")
        ),
        unit="percentunit",
        steps=rising(0.001, 0.0144),
        alerts=("FaceKeyBudgetBurnsFast", "FaceKeyBudgetBurnsSlowly"),
    ),
    Panel(
        LINES,
        "Time of an authentication",
        "From the head of the request to the end of the answer.",
        tuple(
            Query(quantile(share, "facekey_request_seconds", "job", ',route="/api/v1/authenticate"'), said)
            for share, said in ((0.5, "half"), (0.95, "19 of 20"), (0.99, "99 of 100"))
        ),
        unit="s",
        steps=((None, "transparent"), (2, "red")),
        alerts=("FaceKeySlow",),
    ),
    Panel(
        LINES,
        "99 of 100 requests, by route",
        "Each route's own slow end. Searches of the audit log and exports are long by nature.",
        (Query(quantile(0.99, "facekey_request_seconds", "route", f",{ASKED}"), "{{route}}"),),
        unit="s",
    ),
    Panel(
        HEAT,
        "Times of all requests",
        "How many requests took how long. A second band above the first is a second kind of trouble.",
        (Query(f"sum by (le) (increase(facekey_request_seconds_bucket{{{OF},{ASKED}}}{PER}))", "{{le}}"),),
        unit="s",
    ),
)

STAGES = (
    Panel(
        LINES,
        "19 of 20, by stage",
        "Where the time of a decision goes. queue: waiting for a worker; load, compare, search, record:"
        " the stores.",
        (Query(quantile(0.95, "facekey_stage_seconds", "stage"), "{{stage}}"),),
        unit="s",
        alerts=("FaceKeyStageSlow",),
    ),
    Panel(
        HEAT,
        "Times of the stages of vision",
        "All stages before the stores, together.",
        (
            Query(
                f"sum by (le) (increase(facekey_stage_seconds_bucket{{{OF},{VISION}}}{PER}))",
                "{{le}}",
            ),
        ),
        unit="s",
    ),
    Panel(
        LINES,
        "Mean, by stage",
        "The stages on top of each other are about a whole decision.",
        (
            Query(
                f"sum by (stage) (rate(facekey_stage_seconds_sum{{{OF}}}{PER}))"
                f" / sum by (stage) (rate(facekey_stage_seconds_count{{{OF}}}{PER}))",
                "{{stage}}",
            ),
        ),
        unit="s",
        stacked=True,
    ),
    Panel(
        LINES,
        "19 of 20, by network",
        "One run of one network. All of them slower at once: the machine is. One alone: its file or its"
        " input is another.",
        (Query(quantile(0.95, "facekey_network_seconds", "network"), "{{network}}"),),
        unit="s",
        alerts=("FaceKeyNetworkSlow",),
    ),
    Panel(
        HEAT,
        "Times of the networks",
        "How many runs took how long, all networks together.",
        (Query(f"sum by (le) (increase(facekey_network_seconds_bucket{{{OF}}}{PER}))", "{{le}}"),),
        unit="s",
    ),
    Panel(
        LINES,
        "Runs by network",
        "Runs a second. The networks that every picture goes through run alike.",
        (Query(f"sum by (network) (rate(facekey_network_seconds_count{{{OF}}}{PER}))", "{{network}}"),),
        unit="ops",
    ),
)

ROOM = (
    Panel(
        LINES,
        "Queue before the networks",
        "Pictures that wait, and how many may. At the upper line the next is refused with 503 overloaded.",
        (
            Query(f"sum by (instance) (facekey_pool_waiting{{{OF}}})", "waiting, {{instance}}"),
            Query(f"sum(facekey_pool_queue{{{OF}}})", "may wait"),
            Query(f"sum(facekey_pool_workers{{{OF}}})", "at once"),
        ),
        alerts=("FaceKeyQueueFull", "FaceKeyOverloaded"),
    ),
    Panel(
        LINES,
        "Refusals",
        "Overloaded: pictures that found the queue full. 429: a limit of an address or a user. 413: too"
        " large.",
        (
            Query(f"sum(rate(facekey_overloaded_total{{{OF}}}{PER}))", "overloaded"),
            Query(
                f'sum by (status) (rate(facekey_requests_total{{{OF},status=~"408|413|429|503"}}{PER}))',
                "{{status}}",
            ),
        ),
        unit="reqps",
        alerts=("FaceKeyOverloaded", "FaceKeyCallersRefused"),
    ),
    Panel(
        LINES,
        "Memory",
        "Of all workers of a replica, what they share counted once. It may rise while it warms up, and"
        " with the gallery.",
        (
            Query(f"sum by (instance) (facekey_resident_bytes{{{OF}}})", "{{instance}}"),
            Query(f"max(facekey_index_bytes{{{OF}}})", "index of the gallery"),
        ),
        unit="bytes",
        alerts=("FaceKeyMemoryGrows",),
    ),
    Panel(
        LINES,
        "Live streams",
        "Open streams, and how many each replica takes.",
        (
            Query(f"sum by (instance) (facekey_streams_open{{{OF}}})", "{{instance}}"),
            Query(f"sum by (instance) (facekey_streams_limit{{{OF}}})", "may be open, {{instance}}"),
        ),
        alerts=("FaceKeyStreamsNearLimit",),
    ),
    Panel(
        LINES,
        "Frames of streams",
        "Dropped: too many, late, or the same as before. More dropped than looked at: the service is too"
        " slow for its streams.",
        (Query(f"sum by (fate) (rate(facekey_stream_frames_total{{{OF}}}{PER}))", "{{fate}}"),),
        unit="ops",
        stacked=True,
    ),
    Panel(
        LINES,
        "Workers by replica",
        "Processes of each replica.",
        (Query(f"sum by (instance) (facekey_processes{{{OF}}})", "{{instance}}"),),
        alerts=("FaceKeyWorkersMissing", "FaceKeyRestarts"),
    ),
)

STORES = (
    Panel(
        LINES,
        "Database, 19 of 20",
        "Until the database answered. A write ends with its commit: it shows the disk.",
        (Query(quantile(0.95, "facekey_store_seconds", "operation", ',store="database"'), "{{operation}}"),),
        unit="s",
        steps=((None, "transparent"), (0.1, "red")),
        alerts=("FaceKeyDatabaseSlow",),
    ),
    Panel(
        LINES,
        "Redis, 19 of 20",
        "Until Redis answered. Nothing is shown where none is set up.",
        (Query(quantile(0.95, "facekey_store_seconds", "operation", ',store="redis"'), "{{operation}}"),),
        unit="s",
        steps=((None, "transparent"), (0.05, "red")),
        alerts=("FaceKeyRedisSlow",),
    ),
    Panel(
        LINES,
        "Questions and failures",
        "Questions to each store a second, and those that were not answered. Any failure of the database"
        " stops decisions.",
        (
            Query(
                f"sum by (store, operation) (rate(facekey_store_seconds_count{{{OF}}}{PER}))",
                "{{store}} {{operation}}",
            ),
            Query(f"sum by (store) (rate(facekey_store_failures_total{{{OF}}}{PER}))", "failed, {{store}}"),
        ),
        unit="ops",
        alerts=("FaceKeyDatabaseFails", "FaceKeyRedisFails", "FaceKeyNotReady"),
    ),
    Panel(
        LINES,
        "People in the gallery",
        "As each replica sees it. Lines that stay apart: one doesn't hear of the other's registrations.",
        (Query(f"max by (instance) (facekey_enrolled{{{OF}}})", "{{instance}}"),),
        alerts=("FaceKeyGalleriesDiffer",),
    ),
    Panel(
        LINES,
        "Time of a search",
        "Looking through the gallery for one face.",
        tuple(
            Query(quantile(share, "facekey_stage_seconds", "stage", ',stage="search"'), said)
            for share, said in ((0.5, "half"), (0.95, "19 of 20"), (0.99, "99 of 100"))
        ),
        unit="s",
        alerts=("FaceKeyStageSlow",),
    ),
    Panel(
        LINES,
        "Index",
        "Memory that the gallery takes: of one process, or of the shared index.",
        (Query(f"max by (instance) (facekey_index_bytes{{{OF}}})", "{{instance}}"),),
        unit="bytes",
    ),
)

DASHBOARD = Dashboard(
    uid="facekey-service",
    title="FaceKey: service",
    says="Is it there, is it quick, is there room? docs/monitoring.md explains it.",
    rows=(
        Row("At a glance", GLANCE),
        Row("Requests", REQUESTS),
        Row("Decisions: stages and networks", STAGES),
        Row("Room", ROOM),
        Row("Stores and gallery", STORES),
    ),
)
