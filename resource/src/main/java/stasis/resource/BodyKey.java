package stasis.resource;

import org.jspecify.annotations.Nullable;

/// Identity of a body: two files or mappings with equal keys lie on the same one.
///
/// @param kind schema name of the [BodyKind] that will describe it @param device st_dev @param inode st_ino
public record BodyKey(String kind, long device, long inode) {
  /// Written out for the same reason as in [stasis.linux.abi.Tid].
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof BodyKey key && inode == key.inode && device == key.device && kind.equals(key.kind);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(inode) * 31 + Long.hashCode(device);
  }
}
