package stasis.resource;

/// What mq_notify(3) was given of a POSIX message queue, which only the kernel's own memory shows whole.
///
/// @param sort `SIGEV_` @param signal for SIGEV_SIGNAL @param value the program's own
public record HiddenNotice(int sort, int signal, long value) {}
