package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// What the kernel can be told of an array where it lies in the heap.
@SuppressWarnings("restricted") // this module is the one that is granted native access
public final class HeapArray {
  private static final int MADV_DONTNEED = 4;
  private static final int PAGE_BYTES = 4096;

  private HeapArray() {}

  /// Has the kernel take back the pages of an array of zeros (madvise(2), MADV_DONTNEED): it stays one, and pages come
  /// anew where it, or what the JVM puts in its place, is written to.
  ///
  /// @return whether it did
  public static boolean giveBack(byte[] zeros) {
    Linker linker = Linker.nativeLinker();
    MethodHandle madvise = linker.downcallHandle(linker.defaultLookup().findOrThrow("madvise"),
        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT), Linker.Option.critical(true));
    // Nobody is told where the array lies: one of these is where a page begins.
    for (int offset = 0; offset < PAGE_BYTES && zeros.length >= 2 * PAGE_BYTES; offset += Long.BYTES) {
      long lengthBytes = (long) (zeros.length - offset) / PAGE_BYTES * PAGE_BYTES;
      if (isAdvised(madvise, MemorySegment.ofArray(zeros).asSlice(offset), lengthBytes)) {
        return true;
      }
    }
    return false;
  }

  /// EINVAL where it is not aligned.
  private static boolean isAdvised(MethodHandle madvise, MemorySegment start, long lengthBytes) {
    try {
      return (int) madvise.invokeExact(start, lengthBytes, MADV_DONTNEED) == 0;
    } catch (Throwable t) {
      throw new AssertionError("the downcall broke its descriptor", t);
    }
  }
}
