package stasis.resource;

import stasis.linux.abi.Bytes;

/// What mq_notify(3) was given of a POSIX message queue, which only the kernel's own memory shows whole.
///
/// @param sort `SIGEV_` @param signal for SIGEV_SIGNAL @param value the program's own
/// @param cookie for SIGEV_THREAD: what a netlink socket then receives, 32 bytes @param socketInode of that socket
public record HiddenNotice(int sort, int signal, long value, Bytes cookie, long socketInode) {}
