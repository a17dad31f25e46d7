"""What an engine says about a failure, without the pages around it."""

_JAVA_TRACE = "JVM stacktrace:"
_NO_ANSWER = ("RETRIES_EXCEEDED", "StatusCode.UNAVAILABLE")


def engine_message(error: BaseException) -> str:
    """The engine's message in one line; Apache Spark adds pages of its own stack traces to it."""
    message, _, _ = str(error).partition(_JAVA_TRACE)
    if any(sign in message for sign in _NO_ANSWER):
        return "the Spark Connect server does not answer any more; run this again when it does"
    return " ".join(message.split())
