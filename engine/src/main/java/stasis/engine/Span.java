package stasis.engine;

/// A stretch of time that an operation spent on one thing. Nanoseconds of CLOCK_MONOTONIC.
///
/// @param phase of docs/vocabulary.md @param part what of it, `task 4711`; empty: all of it
public record Span(String phase, String part, long startNs, long lastedNs) {}
