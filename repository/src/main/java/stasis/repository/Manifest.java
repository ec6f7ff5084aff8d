package stasis.repository;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import stasis.linux.abi.Bytes;

/// A checkpoint as a repository knows it: which chunks its metadata and its chunk map are. Text, so that people can
/// read it; its last line seals the others.
///
/// @param number from 1; not part of the text, but its file's name @param certificate a record; in base64
record Manifest(String name, int number, ImageFacts facts, long metadataBytes, long pageBytes, long addedBytes,
    List<Part> metadata, List<Part> pages, Optional<Bytes> certificate, Optional<ImageSignature> signature) {
  static final int MAX_TEXT_BYTES = 256 << 20;
  private static final String FIRST = "stasis-checkpoint ";
  private static final int VERSION = 1;
  /// The same, and a line with a signature behind all others.
  private static final int SIGNED_VERSION = 2;
  private static final String SIGNATURE = "signature ed25519:";
  private static final Pattern SIGNATURE_LINE = Pattern.compile(SIGNATURE + "([0-9a-f]{64}) ([0-9a-f]{128})\n");
  private static final int PROGRAM_WORDS = 4;

  /// A chunk of metadata, or of the chunk map.
  ///
  /// @param count bytes, or pieces
  record Part(ChunkId id, int count) {}

  Manifest {
    metadata = List.copyOf(metadata);
    pages = List.copyOf(pages);
  }

  String title() {
    return name + "@" + number;
  }

  Manifest numbered(int otherNumber) {
    return new Manifest(name, otherNumber, facts, metadataBytes, pageBytes, addedBytes, metadata, pages, certificate,
        signature);
  }

  /// As it is, and proved.
  Manifest certified(Optional<Bytes> other) {
    return new Manifest(name, number, facts, metadataBytes, pageBytes, addedBytes, metadata, pages, other, signature);
  }

  /// As it is, and signed. What a copy may change, its number and what was added, is not signed.
  Manifest signed(SigningKey key) {
    return new Manifest(name, number, facts, metadataBytes, pageBytes, addedBytes, metadata, pages, certificate,
        Optional.of(ImageSignature.of(key, ImageSignature.CHECKPOINT, signedRoot(lines()))));
  }

  private static byte[] signedRoot(String lines) {
    String signed = lines.lines().skip(1).filter(line -> !line.startsWith("added-bytes "))
        .map(line -> line + "\n").collect(Collectors.joining());
    return Layout.sha256().digest(signed.getBytes(StandardCharsets.UTF_8));
  }

  ByteBuffer encode() {
    String lines = lines();
    StringBuilder out = new StringBuilder(lines).append("root ").append(root(lines)).append('\n');
    signature.ifPresent(by -> out.append(SIGNATURE).append(HexFormat.of().formatHex(by.publicKey().toArray()))
        .append(' ').append(HexFormat.of().formatHex(by.signed().toArray())).append('\n'));
    return ByteBuffer.wrap(out.toString().getBytes(StandardCharsets.UTF_8));
  }

  /// All that `root` goes over.
  private String lines() {
    StringBuilder out = new StringBuilder(FIRST).append(signature.isPresent() ? SIGNED_VERSION : VERSION).append('\n');
    out.append("name ").append(name).append('\n');
    out.append("created ").append(facts.createdUnixNs()).append('\n');
    out.append("host ").append(escaped(facts.host())).append('\n');
    out.append("program ").append(facts.pid()).append(' ').append(facts.tasks()).append(' ').append(facts.threads())
        .append(' ').append(escaped(facts.program())).append('\n');
    out.append("metadata-bytes ").append(metadataBytes).append('\n');
    out.append("page-bytes ").append(pageBytes).append('\n');
    out.append("added-bytes ").append(addedBytes).append('\n');
    metadata.forEach(part -> out.append("metadata ").append(part.id()).append(' ').append(part.count()).append('\n'));
    pages.forEach(part -> out.append("pages ").append(part.id()).append(' ').append(part.count()).append('\n'));
    certificate.ifPresent(told -> out.append("certificate ").append(Base64.getEncoder().encodeToString(told.toArray()))
        .append('\n'));
    return out.toString();
  }

  /// On which all of it hangs.
  String root() {
    return root(lines());
  }

  private static String root(String before) {
    return HexFormat.of().formatHex(Layout.sha256().digest(before.getBytes(StandardCharsets.UTF_8)));
  }

  private static String escaped(String text) {
    StringBuilder out = new StringBuilder();
    for (byte unit : text.getBytes(StandardCharsets.UTF_8)) {
      if (unit < ' ' || unit == 0x7f || unit == '\\') { // bytes from 0x80 on are negative
        out.append("\\x%02x".formatted(unit & 0xff));
      } else {
        out.append((char) unit);
      }
    }
    return out.toString();
  }

  /// @param where for messages @throws ImageException in one sentence
  static Manifest decode(ByteBuffer text, String name, int number, String where) throws ImageException {
    String lines;
    try {
      lines = StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException e) {
      throw damaged(where, "is no text");
    }
    if (lines.chars().anyMatch(c -> c != '\n' && (c < ' ' || c > '~'))) {
      throw damaged(where, "is no text");
    }
    if (!lines.startsWith(FIRST)) {
      throw damaged(where, "is no checkpoint");
    }
    boolean signed = lines.startsWith(FIRST + SIGNED_VERSION + "\n");
    if (!signed && !lines.startsWith(FIRST + VERSION + "\n")) {
      throw new ImageException(ImageException.Reason.TOO_NEW, where + " has a version this reader does not know",
          "use the Stasis that wrote it, or a newer one");
    }
    int last = lines.lastIndexOf("\nroot ") + 1;
    String root = last == 0 ? "" : "root " + root(lines.substring(0, last)) + "\n";
    Matcher signature = SIGNATURE_LINE.matcher(lines.substring(Math.min(last + root.length(), lines.length())));
    if (last == 0 || !lines.startsWith(root, last) || signed != signature.matches()
        || !signed && lines.length() != last + root.length()) {
      throw damaged(where, "is cut short or changed: it does not match its last line");
    }
    Optional<ImageSignature> by = signed ? Optional.of(new ImageSignature(Bytes.hex(signature.group(1)),
        Bytes.hex(signature.group(2)))) : Optional.empty();
    if (by.isPresent() && !by.get().fits(ImageSignature.CHECKPOINT, signedRoot(lines.substring(0, last)))) {
      throw damaged(where, "has a signature that does not fit: it was changed");
    }
    try {
      return read(lines.substring(0, last), name, number, by);
    } catch (IllegalArgumentException e) {
      throw damaged(where, "does not make sense: " + e.getMessage());
    }
  }

  private static ImageException damaged(String where, String how) {
    return new ImageException(ImageException.Reason.DAMAGED, where + " " + how,
        "take it from another copy of the repository");
  }

  private static Manifest read(String lines, String name, int number, Optional<ImageSignature> signature) {
    Map<String, String> single = new HashMap<>();
    List<Part> metadata = new ArrayList<>();
    List<Part> pages = new ArrayList<>();
    for (String line : lines.lines().toList()) {
      int space = line.indexOf(' ');
      String key = space < 0 ? line : line.substring(0, space);
      String value = line.substring(space + 1);
      switch (key) {
        case "metadata" -> metadata.add(part(value, Pack.MAX_CHUNK_BYTES));
        case "pages" -> pages.add(part(value, ChunkMap.MAX_PART_PIECES));
        default -> single.put(key, value);
      }
    }
    if (!name.equals(single.get("name"))) {
      throw new IllegalArgumentException("it is one of another name");
    }
    String[] program = required(single, "program").split(" ", PROGRAM_WORDS);
    if (program.length < PROGRAM_WORDS) {
      throw new IllegalArgumentException("no program");
    }
    ImageFacts facts = new ImageFacts(number(single, "created"), required(single, "host"), program[3],
        Integer.parseInt(program[0]), Integer.parseInt(program[1]), Integer.parseInt(program[2]));
    Manifest manifest = new Manifest(name, number, facts, number(single, "metadata-bytes"),
        number(single, "page-bytes"), number(single, "added-bytes"), metadata, pages,
        Optional.ofNullable(single.get("certificate")).map(told -> Bytes.of(Base64.getDecoder().decode(told))),
        signature);
    if (metadata.stream().mapToLong(Part::count).sum() != manifest.metadataBytes()
        || manifest.metadataBytes() > Layout.MAX_METADATA_BYTES || manifest.pageBytes() < 0
        || manifest.pageBytes() > Layout.MAX_PAGE_BYTES) {
      throw new IllegalArgumentException("impossible lengths");
    }
    return manifest;
  }

  private static Part part(String value, int most) {
    String[] words = value.split(" ", -1);
    int count = Integer.parseInt(words.length == 2 ? words[1] : "");
    if (count < 1 || count > most) {
      throw new IllegalArgumentException("a part of " + count);
    }
    return new Part(ChunkId.parse(words[0]), count);
  }

  private static String required(Map<String, String> single, String key) {
    return Optional.ofNullable(single.get(key))
        .orElseThrow(() -> new IllegalArgumentException("no line " + key));
  }

  private static long number(Map<String, String> single, String key) {
    return Long.parseLong(required(single, key));
  }
}
