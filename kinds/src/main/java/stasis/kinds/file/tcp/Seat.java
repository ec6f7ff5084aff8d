package stasis.kinds.file.tcp;

import stasis.image.Tag;

/// How a socket has its address.
///
/// @param away whether it is none of the host's (IP_FREEBIND when it was bound) @param shared whether other listeners
///     have the port too, whatever SO_REUSEPORT says now
record Seat(@Tag(1) boolean away, @Tag(2) boolean shared) {
  static final Seat PLAIN = new Seat(false, false);
}
