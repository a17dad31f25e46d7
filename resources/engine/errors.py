"""What an engine says about a failure, without the pages around it."""

from pyspark.errors import PySparkException

_JAVA_TRACE = "JVM stacktrace:"
_NO_ANSWER = ("RETRIES_EXCEEDED", "StatusCode.UNAVAILABLE")
_SESSION_LOST = ("SESSION_NOT_FOUND", "SESSION_CHANGED", "SESSION_CLOSED")


def engine_message(error: BaseException) -> str:
    """The engine's message in one line; Apache Spark adds pages of its own stack traces to it."""
    message, _, _ = str(error).partition(_JAVA_TRACE)
    if any(sign in message for sign in _NO_ANSWER):
        return "the Spark Connect server does not answer any more; run this again when it does"
    return " ".join(message.split())


def is_out_of_reach(error: BaseException) -> bool:
    """Whether the server did not answer, or was started again and knows the session no more."""
    signs = (*_NO_ANSWER, *_SESSION_LOST)
    return isinstance(error, PySparkException) and any(sign in str(error) for sign in signs)
