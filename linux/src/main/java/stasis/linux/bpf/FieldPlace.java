package stasis.linux.bpf;

import java.util.List;

/// Where a kernel field lies: follow the pointer at each of `hops` (byte offsets, each in the object the one before
/// points to), then read `sizeBytes` at `offsetBytes`.
///
/// @param bitShift first bit of a bitfield within those bytes, little-endian; 0 for a whole field
/// @param bitWidth width of a bitfield; 0 for a whole field
record FieldPlace(List<Integer> hops, int offsetBytes, int sizeBytes, int bitShift, int bitWidth) {
  FieldPlace {
    hops = List.copyOf(hops);
  }

  /// The same place seen as a pointer to follow.
  List<Integer> asHops() {
    var all = new java.util.ArrayList<>(hops);
    all.add(offsetBytes);
    return all;
  }
}
