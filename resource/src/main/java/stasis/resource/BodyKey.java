package stasis.resource;

/// Identity of a body: two files or mappings with equal keys lie on the same one.
///
/// @param kind schema name of the [BodyKind] that will describe it @param device st_dev @param inode st_ino
public record BodyKey(String kind, long device, long inode) {}
