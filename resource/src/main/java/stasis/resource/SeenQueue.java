package stasis.resource;

import java.util.List;
import java.util.Optional;

/// A POSIX message queue that has a name in an IPC namespace.
///
/// @param name without the slash @param device st_dev @param mode st_mode @param most messages @param messageBytes most
///     of one @param messages what waits in it; empty where that cannot be seen
public record SeenQueue(String name, long device, long inode, int mode, int uid, int gid, long most, long messageBytes,
    Optional<List<HiddenMessage>> messages) {}
