package stasis.resource;

import stasis.linux.abi.PathBytes;

/// A regular file of the host that a program goes on with: an image holds its name, and its contents only on demand.
///
/// @param path absolute @param written whether the tree may write to it
public record HostFile(PathBytes path, boolean written) {}
