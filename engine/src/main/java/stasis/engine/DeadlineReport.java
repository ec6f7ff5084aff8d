package stasis.engine;

/// How a deadline was met.
///
/// @param leftNs when the image was there; below 0: so much too late @param bytesPerSecond at which it was stored, 0
///     where there was too little to tell
public record DeadlineReport(long withinNs, long leftNs, long bytesPerSecond) {}
