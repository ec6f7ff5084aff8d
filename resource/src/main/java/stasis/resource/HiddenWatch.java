package stasis.resource;

import stasis.image.ObjectId;
import stasis.linux.abi.Fd;

/// Signals a process has asked for when something changes in a directory (F_NOTIFY of fcntl(2)).
///
/// @param fd that the signal tells @param mask the kernel's own bits, `FS_` of include/linux/fsnotify_backend.h
public record HiddenWatch(ObjectId process, Fd fd, int mask) {}
