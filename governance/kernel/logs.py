"""Structured logs: one JSON object per line on standard error; never a prompt, secret or name."""

import json
import logging
import sys

from governance.kernel import clock

# Fields that callers may attach with `extra=`.
FIELDS = ("request_id", "generation", "step", "record", "method", "path", "status", "milliseconds")


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, the known extra fields, and the trace of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": clock.rfc3339(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(level: int = logging.INFO) -> None:
    """Send everything to standard error in this form; of other people's code only warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("governance", "uvicorn"):
        logging.getLogger(name).setLevel(level)
