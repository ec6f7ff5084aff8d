package stasis.repository;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// A checkpoint as a list of them shows it.
///
/// @param number from 1 @param contentBytes metadata and pages before anything was saved
/// @param addedBytes by how much packs grew for it @param root SHA-256 on which all of it hangs
/// @param signer public key of who has signed it, if somebody has
public record KeptImage(String name, int number, ImageFacts facts, long contentBytes, long addedBytes,
    List<String> tags, String root, Optional<Bytes> signer) {
  public KeptImage {
    tags = List.copyOf(tags);
  }

  /// `NAME@K`
  public String title() {
    return name + "@" + number;
  }
}
