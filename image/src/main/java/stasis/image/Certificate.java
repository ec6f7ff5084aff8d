package stasis.image;

import java.lang.invoke.MethodHandles;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import stasis.linux.abi.Bytes;

/// That an image was restored for real, beside the program it was made of, and what the copy was found to be. Lies
/// beside the metadata, which cannot know it yet.
///
/// @param engineVersion @param kernelRelease @param cpuModel of who proved it
/// @param provenUnixNs CLOCK_REALTIME @param lastedNs
/// @param metadataSha256 of the metadata it was made for: of another image it says nothing
/// @param tasks threads and zombies that were there again
/// @param kinds what was compared, by kind
/// @param contentBytes of memory and files compared byte by byte @param contentSha256 of those bytes, in order of body
///     and place
/// @param unproven what such a copy cannot show
public record Certificate(@Tag(1) String engineVersion, @Tag(2) String kernelRelease, @Tag(3) String cpuModel,
    @Tag(4) long provenUnixNs, @Tag(5) long lastedNs, @Tag(6) Bytes metadataSha256, @Tag(7) int tasks,
    @Tag(8) List<Compared> kinds, @Tag(9) long contentBytes, @Tag(10) Bytes contentSha256,
    @Tag(11) List<Unproven> unproven) {
  private static final Schema<Certificate> SCHEMA =
      Schema.of(MethodHandles.lookup(), Certificate.class, "certificate", 1);

  /// @param kind name of the schema @param equal objects that are encoded as in the image @param approximate those of
  ///     which the loss table tells that something is lost: all else of them is
  public record Compared(@Tag(1) String kind, @Tag(2) int equal, @Tag(3) int approximate) {}

  /// @param subject what it is part of: `task 4711 fd 5` @param why what was left out, and what stands in its way
  public record Unproven(@Tag(1) String subject, @Tag(2) String kind, @Tag(3) String why) {}

  public Certificate {
    kinds = List.copyOf(kinds);
    unproven = List.copyOf(unproven);
  }

  public static Certificate decode(Bytes encoded, Limits limits) throws DecodeException {
    return SCHEMA.decode(encoded, limits);
  }

  /// What it looks like; compared with its golden.
  static SchemaDescriptor descriptor() {
    return SCHEMA.descriptor();
  }

  public Bytes encode() {
    return SCHEMA.encode(this);
  }

  /// SHA-256 of a metadata section: by it a certificate names its image.
  public static Bytes digest(Bytes metadata) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      sha256.update(metadata.buffer());
      return Bytes.of(sha256.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  /// Whether it was made for that image.
  public boolean isFor(Bytes metadata) {
    return metadataSha256.equals(digest(metadata));
  }

  /// Objects that were compared.
  public int objects() {
    return kinds.stream().mapToInt(kind -> kind.equal() + kind.approximate()).sum();
  }
}
