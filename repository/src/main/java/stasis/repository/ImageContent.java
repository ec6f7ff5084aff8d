package stasis.repository;

import stasis.linux.abi.Bytes;

/// What a writer is told before the pages come.
///
/// @param metadata the statefile's metadata section
/// @param pageBytes how many bytes of pages will follow, a multiple of 4096
/// @param stretches of what those are contents, in their order; may end early, or be empty where nobody knows
/// @param facts what a list of images shows
public record ImageContent(Bytes metadata, long pageBytes, Iterable<Stretch> stretches, ImageFacts facts) {
  /// Pages that lie together in the page section.
  ///
  /// @param body of which memory or file; any number, the same for the same @param start address, or offset in it
  /// @param storedBytes a multiple of 4096
  public record Stretch(int body, long start, long storedBytes) {}
}
