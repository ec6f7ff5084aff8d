package stasis.repository;

import java.util.List;
import stasis.linux.abi.Bytes;

/// What a writer is told before the pages come.
///
/// @param metadata the statefile's metadata section
/// @param pageBytes how many bytes of pages the image has, a multiple of 4096
/// @param stretches of what those are contents, in their order; may end early, or be empty where nobody knows
/// @param kept what of them will not come, as the writer has it already, ascending
/// @param facts what a list of images shows
public record ImageContent(Bytes metadata, long pageBytes, Iterable<Stretch> stretches, List<Kept> kept,
    ImageFacts facts) {
  /// Pages that lie together in the page section.
  ///
  /// @param body of which memory or file; any number, the same for the same @param start address, or offset in it
  /// @param storedBytes a multiple of 4096
  public record Stretch(int body, long start, long storedBytes) {}

  /// Whole pieces that are as those of [EarlierPages].
  ///
  /// @param sectionOffset in the new page section @param earlierOffset in the earlier one
  public record Kept(long sectionOffset, long lengthBytes, long earlierOffset) {}

  public ImageContent {
    kept = List.copyOf(kept);
  }

  /// All of whose pages come.
  public ImageContent(Bytes metadata, long pageBytes, Iterable<Stretch> stretches, ImageFacts facts) {
    this(metadata, pageBytes, stretches, List.of(), facts);
  }

  /// How many bytes of pages will follow.
  long comingBytes() {
    return pageBytes - kept.stream().mapToLong(Kept::lengthBytes).sum();
  }
}
