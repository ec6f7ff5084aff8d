package stasis.resource;

import stasis.image.Tag;
import stasis.linux.abi.RemoteAddress;

/// A run of whole pages.
public record Extent(@Tag(1) RemoteAddress start, @Tag(2) long lengthBytes) {
  public Extent {
    if (lengthBytes <= 0 || (lengthBytes & 4095) != 0 || (start.bits() & 4095) != 0) {
      throw new IllegalArgumentException("an extent is whole pages, was " + start + "+" + lengthBytes);
    }
  }

  public RemoteAddress end() {
    return start.plus(lengthBytes);
  }
}
