"""What devices take their next model from: a signed folder for any web server."""

from edgerec.feed.keys import SecretKey, new_key, read_secret_key
from edgerec.feed.publishing import PublishedSequence, publish

__all__ = ["PublishedSequence", "SecretKey", "new_key", "publish", "read_secret_key"]
