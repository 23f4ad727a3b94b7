"""The dashboard of security and fairness: who tries, does the log hold, is everybody served alike."""

from panels import BARS, GREEN, LINES, RED, STAT, STATES, TABLE, Dashboard, Panel, Query, Row, rising
from service import OF, PER

DAY = 86400.0
HELD = (("1", "adds up", GREEN), ("0", "BROKEN", RED))


def age(title: str, says: str, when: str, limits: tuple[float, float], alert: str) -> Panel:
    """How long ago something was done last."""
    return Panel(
        STAT,
        title,
        says,
        (Query(f'time() - max({when}{{job="$job"}})'),),
        unit="dtdurations",
        width=4,
        height=5,
        steps=rising(*limits),
        alerts=(alert,),
    )


HOLDS = (
    Panel(
        STAT,
        "Audit log",
        "The last look at the end of the log. Broken: nothing is decided.",
        (Query('min(facekey_audit_intact{job="$job"})'),),
        width=4,
        height=5,
        steps=((None, RED), (1, GREEN)),
        words=HELD,
        alerts=("FaceKeyAuditBroken",),
    ),
    age(
        "Log looked at",
        "Every five minutes it should be.",
        "facekey_audit_checked_timestamp_seconds",
        (900, 1800),
        "FaceKeyAuditCheckStale",
    ),
    age(
        "Last checkpoint",
        "Within an hour of a record one is signed. Without records it may grow old.",
        "facekey_audit_checkpoint_timestamp_seconds",
        (7200, 12 * 3600),
        "FaceKeyCheckpointStale",
    ),
    Panel(
        STAT,
        "Age of the root key",
        "What protects every template. Rotate it once a year. Nothing where the key doesn't say when it"
        " was made: keys"
        " from the environment don't.",
        (Query('time() - max(facekey_key_created_timestamp_seconds{job="$job",purpose="root"})'),),
        unit="dtdurations",
        width=4,
        height=5,
        steps=rising(330 * DAY, 365 * DAY),
        alerts=("FaceKeyRootKeyOld",),
    ),
    age(
        "Newest backup",
        "One a day.",
        "facekey_backup_timestamp_seconds",
        (DAY, 26 * 3600),
        "FaceKeyBackupOld",
    ),
    age(
        "Backup restored",
        "When a backup was last restored and opened, to see that it can be.",
        "facekey_backup_restored_timestamp_seconds",
        (8 * DAY, 35 * DAY),
        "FaceKeyBackupNotRestored",
    ),
    Panel(
        STATES,
        "State of the audit log",
        "Green: each look added up. Nothing: nobody looked.",
        (Query('min by (instance) (facekey_audit_intact{job="$job"})', "{{instance}}"),),
        width=12,
        height=6,
        steps=((None, RED), (1, GREEN)),
        words=HELD,
        alerts=("FaceKeyAuditBroken", "FaceKeyAuditCheckStale"),
    ),
    Panel(
        LINES,
        "Records",
        "Records of the log that are written a second. Less than decisions and changes: that can't be.",
        (Query('max(deriv(facekey_audit_records{job="$job"}[5m]))', "records"),),
        unit="ops",
        width=6,
        height=6,
        least=None,
        alerts=("FaceKeyCheckpointStale",),
    ),
    Panel(
        STAT,
        "Records in the log",
        "All of them. It never falls.",
        (Query('max(facekey_audit_records{job="$job"})'),),
        width=6,
        height=6,
    ),
)

ATTACKS = (
    Panel(
        LINES,
        "Lock-outs",
        "How many came to a wait or a lock within 15 minutes, by what failures are counted under: users,"
        " addresses, sign-ins,"
        " operators.",
        (Query(f"sum by (who) (increase(facekey_lockouts_total{{{OF}}}[15m]))", "{{who}}"),),
        stacked=True,
        steps=((None, "transparent"), (10, RED)),
        alerts=("FaceKeyLockOuts",),
    ),
    Panel(
        LINES,
        "Kept out now",
        "Who waits or is locked at this moment.",
        (Query('max by (who) (facekey_locked{job="$job"})', "{{who}}"),),
        stacked=True,
        alerts=("FaceKeyLockOuts",),
    ),
    Panel(
        LINES,
        "Spoofs",
        "Suspected spoofs in 15 minutes, and the day's mean.",
        (
            Query('job:facekey_spoofs:increase15m{job="$job"}', "spoofs"),
            Query('avg_over_time(job:facekey_spoofs:increase15m{job="$job"}[1d])', "mean of a day"),
        ),
        alerts=("FaceKeySpoofs",),
    ),
    Panel(
        LINES,
        "Sign-ins of operators",
        "Sign-ins by what came of them. 401: name or password wrong; 429: too many.",
        (
            Query(
                f'sum by (status) (increase(facekey_requests_total{{{OF},route="/api/v1/auth/token"}}[15m]))',
                "{{status}}",
            ),
        ),
        alerts=("FaceKeySignInsRefused",),
    ),
    Panel(
        LINES,
        "Refused callers",
        "401: no key that counts; 403: not allowed; 429: too often.",
        (
            Query(
                f'sum by (status) (rate(facekey_requests_total{{{OF},status=~"401|403|429"}}{PER}))',
                "{{status}}",
            ),
        ),
        unit="reqps",
        stacked=True,
        alerts=("FaceKeyKeysRefused", "FaceKeyCallersRefused"),
    ),
    Panel(
        LINES,
        "Share of claims that are accepted",
        "Over an hour. A jump upwards is the worst that can be seen here.",
        (Query('job_action:facekey_accepted:ratio_1h{job="$job"}', "{{action}}"),),
        unit="percentunit",
        most=1.0,
        alerts=("FaceKeyAcceptRateJump",),
    ),
)

FAIR = (
    Panel(
        BARS,
        "Error rates of groups, against all others",
        "1: served like the others. Over 1.25, where chance doesn't explain it, is an alarm. Groups with"
        " too few samples are missing.",
        (
            Query(
                'max by (attribute, group, rate) (facekey_bias_ratio{job="$job"})',
                "{{attribute}} {{group}}: {{rate}}",
            ),
        ),
        width=12,
        height=9,
        steps=((None, GREEN), (1.25, "orange"), (1.5, RED)),
        alerts=("FaceKeyBiasAlarm",),
    ),
    Panel(
        TABLE,
        "Alarms",
        "1: an alarm; 0: none. Groups of whom too little is known are missing.",
        (Query('max by (attribute, group, rate) (facekey_bias_alarm{job="$job"})'),),
        width=8,
        height=9,
        steps=((None, GREEN), (1, RED)),
        columns=("attribute", "group", "rate"),
        valued=True,
        alerts=("FaceKeyBiasAlarm",),
    ),
    Panel(
        STAT,
        "Report made",
        "How old the last report is. One a day by default (FACEKEY_BIAS_REPORT_HOURS).",
        (Query('time() - max(facekey_bias_report_timestamp_seconds{job="$job"})'),),
        unit="dtdurations",
        width=4,
        height=9,
        steps=rising(2 * DAY, 3 * DAY),
        alerts=("FaceKeyBiasReportStale",),
    ),
)

UPKEEP = (
    Panel(
        BARS,
        "Ages of keys",
        "The current key of each purpose.",
        (
            Query(
                'time() - max by (purpose) (facekey_key_created_timestamp_seconds{job="$job"})', "{{purpose}}"
            ),
        ),
        unit="dtdurations",
        steps=rising(330 * DAY, 365 * DAY),
        alerts=("FaceKeyRootKeyOld",),
    ),
    Panel(
        LINES,
        "Messages of FaceKey",
        "Mails and webhooks that wait, and those that were given up.",
        (
            Query('max(facekey_alerts_waiting{job="$job"})', "waiting"),
            Query('max(facekey_alerts_given_up{job="$job"})', "given up"),
        ),
        alerts=("FaceKeyAlertsWaiting", "FaceKeyAlertsGivenUp"),
    ),
    Panel(
        LINES,
        "Size of the newest backup",
        "It grows with the log. Half of what it was: something is missing.",
        (Query('max(facekey_backup_bytes{job="$job"})', "backup"),),
        unit="bytes",
        alerts=("FaceKeyBackupShrank", "FaceKeyBackupMissing"),
    ),
    Panel(
        STAT,
        "Files of figures refused",
        "Files in FACEKEY_METRICS_DIR that can't be read: evaluations or backups that seem to be missing.",
        (Query('max(facekey_metric_files_refused{job="$job"})'),),
        width=8,
        height=6,
        steps=rising(1, 1),
        alerts=("FaceKeyMetricFilesRefused",),
    ),
    Panel(
        TABLE,
        "Alerts",
        "What Prometheus is alerting on now. Each name leads to its runbook. Empty is good.",
        (Query('ALERTS{alertstate="firing"}'),),
        width=16,
        height=6,
        columns=("alertname", "severity", "instance"),
    ),
)

DASHBOARD = Dashboard(
    uid="facekey-security",
    title="FaceKey: security and fairness",
    says=(
        "Who tries, does the log hold, how old are keys and backups, is everybody served alike?"
        " docs/monitoring.md"
    ),
    rows=(
        Row("What must hold", HOLDS),
        Row("Attempts", ATTACKS),
        Row("Fairness", FAIR),
        Row("Keys, messages, backups", UPKEEP),
    ),
    since="now-24h",
)
