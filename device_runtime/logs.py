"""Log records as JSON lines, for whatever collects them."""

import json
import logging
import time


class JsonFormatter(logging.Formatter):
    """Writes a record as one line: time, level, logger, message, and a traceback where one is.

    Examples
    --------
    >>> record = logging.LogRecord("a", logging.ERROR, "", 0, "it %s", ("failed",), None)
    >>> record.created = 0.0
    >>> JsonFormatter().format(record)
    '{"time": "1970-01-01T00:00:00.000Z", "level": "error", "logger": "a", "message": "it failed"}'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{seconds}.{int(record.created * 1000) % 1000:03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
