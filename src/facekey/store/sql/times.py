"""Times as they stand in the tables: ISO 8601, UTC, to the millisecond, so that text compares like time."""

from datetime import UTC, date, datetime


def written(time: datetime) -> str:
    """A time as text."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def text_of(time: datetime | None) -> str | None:
    """A time that may be missing, as text."""
    return None if time is None else written(time)


def time_of(text: str | None) -> datetime | None:
    """What `text_of` wrote."""
    return None if text is None else datetime.fromisoformat(text)


def day_of(text: str | None) -> date | None:
    """A day that may be missing."""
    return None if text is None else date.fromisoformat(text)
