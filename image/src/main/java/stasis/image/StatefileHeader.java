package stasis.image;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;

/// Where, when and by what a statefile was made. All of it is passed in: nothing here looks at a clock or a host.
///
/// @param requiredFeatures names of what a reader must know to restore this; sorted, each once
/// @param optionalFeatures names of what a reader may ignore; sorted, each once
/// @param bootId /proc/sys/kernel/random/boot_id
/// @param xfeatures XCR0 as the checkpointing CPU had it; 0 where there is none
/// @param vdsoSha256 of the vdso's pages; 32 bytes
/// @param createdUnixNs CLOCK_REALTIME
/// @param monotonicNs CLOCK_MONOTONIC @param boottimeNs CLOCK_BOOTTIME; both while all tasks stood still
public record StatefileHeader(
    @Tag(1) List<String> requiredFeatures,
    @Tag(2) List<String> optionalFeatures,
    @Tag(3) Arch arch,
    @Tag(4) int pageSizeBytes,
    @Tag(5) String kernelRelease,
    @Tag(6) String bootId,
    @Tag(7) String hostName,
    @Tag(8) long xfeatures,
    @Tag(9) Bytes vdsoSha256,
    @Tag(10) long createdUnixNs,
    @Tag(11) long monotonicNs,
    @Tag(12) long boottimeNs,
    @Tag(13) String engineVersion) {
  private static final int SHA256_BYTES = 32;
  private static final int MAX_PAGE_BYTES = 1 << 16;

  public StatefileHeader {
    requiredFeatures = names(requiredFeatures);
    optionalFeatures = names(optionalFeatures);
    if (Integer.bitCount(pageSizeBytes) != 1 || pageSizeBytes < PageRun.GRANULE_BYTES
        || pageSizeBytes > MAX_PAGE_BYTES) {
      throw new IllegalArgumentException("no page is " + pageSizeBytes + " bytes");
    }
    if (vdsoSha256.length() != SHA256_BYTES) {
      throw new IllegalArgumentException("a SHA-256 has 32 bytes, not " + vdsoSha256.length());
    }
  }

  /// Each once, in order.
  private static List<String> names(List<String> features) {
    features.forEach(TypeDescriptor::checkName);
    return List.copyOf(new TreeSet<>(features));
  }

  /// Required features outside the ones a reader knows; it must refuse if there are any.
  public List<String> unknownFeatures(Set<String> known) {
    return requiredFeatures.stream().filter(feature -> !known.contains(feature)).toList();
  }
}
