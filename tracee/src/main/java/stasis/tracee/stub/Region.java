package stasis.tracee.stub;

import stasis.linux.abi.RemoteAddress;

/// Where batches run in a task: a code page and an area for data and descriptors, both readable, writable and
/// executable and anonymous. Threads of one mm that run at the same time share the code and need an area each.
///
/// @param code start of [StubCode] @param area 64-byte aligned @param areaBytes bounds one part of a batch
public record Region(RemoteAddress code, RemoteAddress area, long areaBytes) {
  static final int CODE_BYTES = 4096;

  /// The least area: a batch of one call with a page of data.
  public static final long AREA_BYTES_MIN = 8192;

  public Region {
    if (area.bits() % StubCode.DESCRIPTOR_BYTES != 0 || areaBytes < AREA_BYTES_MIN) {
      throw new IllegalArgumentException("an area is 64-byte aligned and has at least " + AREA_BYTES_MIN
          + " bytes, unlike " + areaBytes + " at " + area);
    }
  }

  /// A syscall instruction, for calls made one by one.
  public RemoteAddress gadget() {
    return code.plus(StubCode.GADGET);
  }

  /// The region that takes the whole of a mapping.
  public static Region of(RemoteAddress start, long lengthBytes) {
    return new Region(start, start.plus(CODE_BYTES), lengthBytes - CODE_BYTES);
  }

  /// One of `count` equal areas over the same code, for tasks that share an mm.
  public Region share(int index, int count) {
    long each = (areaBytes / count) & -StubCode.DESCRIPTOR_BYTES;
    return new Region(code, area.plus(index * each), each);
  }
}
