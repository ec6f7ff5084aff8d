package stasis.procfs;

import stasis.linux.abi.PathBytes;

/// `/proc/PID/fd/FD`: the link's text and what stands behind it.
///
/// @param target a path, perhaps with ` (deleted)`, or `pipe:[17]`, `anon_inode:[eventpoll]`, `/memfd:x (deleted)`
public record FdLink(PathBytes target, FileStat stat) {}
