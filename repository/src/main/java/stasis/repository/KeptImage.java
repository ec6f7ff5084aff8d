package stasis.repository;

import java.util.List;

/// A checkpoint as a list of them shows it.
///
/// @param number from 1 @param contentBytes metadata and pages before anything was saved
/// @param addedBytes by how much packs grew for it @param root what a signature goes over
public record KeptImage(String name, int number, ImageFacts facts, long contentBytes, long addedBytes,
    List<String> tags, String root) {
  public KeptImage {
    tags = List.copyOf(tags);
  }

  /// `NAME@K`
  public String title() {
    return name + "@" + number;
  }
}
