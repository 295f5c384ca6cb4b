"""From `Validity` and `ValidityNotBefore` to two instants."""

from datetime import datetime, timedelta, timezone
from typing import Any

from local_stack.private_ca import errors

SHORT_LIVED = timedelta(days=7)
BACKDATED = timedelta(hours=1)
PERIODS = {"DAYS": 1, "MONTHS": 30, "YEARS": 365}


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def period(validity: dict[str, Any], not_before: dict[str, Any] | None) -> tuple[datetime, datetime]:
    """NotBefore is an hour ago unless it is given; relative ends count from now."""
    start = absolute(not_before) if not_before else now() - BACKDATED
    end = absolute(validity) if validity["Type"] in ("ABSOLUTE", "END_DATE") else relative(validity)
    if end <= now() or end <= start:
        raise errors.validation("the certificate would have expired before it was issued")
    return start, end


def relative(validity: dict[str, Any]) -> datetime:
    days, value = PERIODS.get(validity["Type"]), validity["Value"]
    if days is None or value < 1:
        raise errors.validation(f"Validity {validity} is not supported: the least is 1 DAYS")
    return now() + timedelta(days=days * value)


def absolute(validity: dict[str, Any]) -> datetime:
    """`ABSOLUTE` is in epoch seconds, `END_DATE` is YYMMDDHHMMSS or YYYYMMDDHHMMSS, written as a number."""
    if validity["Type"] == "ABSOLUTE":
        return datetime.fromtimestamp(validity["Value"], timezone.utc)
    digits = str(validity["Value"])
    written = digits.zfill(12) if len(digits) <= 12 else digits
    form = "%y%m%d%H%M%S" if len(written) == 12 else "%Y%m%d%H%M%S"
    try:
        return datetime.strptime(written, form).replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise errors.validation(f"Validity {validity} is no date") from error
