"""The id by which a request is found in traces, logs and problems."""

from opentelemetry import trace


def current_trace_id() -> str | None:
    """Return the trace id of the request being served, as 32 hex digits; None without a span."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None
