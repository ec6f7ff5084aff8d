package stasis.repository;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import stasis.linux.abi.Bytes;

/// Keys as users keep them: in small files, and public ones as a word. Written by `stasis keygen`.
public final class KeyFiles {
  /// Of keys that images are encrypted for.
  public static final String RECIPIENT = "x25519:";
  /// Of keys that images are signed with.
  public static final String SIGNER = "ed25519:";
  private static final String IDENTITY = "stasis-identity x25519 ";
  private static final String SIGNING = "stasis-signing-key ed25519 ";
  private static final int MAX_BYTES = 1 << 20;
  private static final HexFormat HEX = HexFormat.of();

  private KeyFiles() {}

  /// Any file of bytes nobody can guess.
  public static Key.KeyFile keyFile(Path file) throws ImageException {
    try {
      return new Key.KeyFile(Bytes.of(content(file)));
    } catch (IllegalArgumentException e) {
      throw unusable(file, "is too short for a key file", "use one that `stasis keygen --key-file` made");
    }
  }

  /// The first line of a file.
  public static Key.Passphrase passphrase(Path file) throws ImageException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    try (InputStream in = Files.newInputStream(file)) {
      // Byte by byte: a terminal or a pipe may have no end.
      for (int unit = in.read(); unit >= 0 && unit != '\n' && line.size() < MAX_BYTES; unit = in.read()) {
        line.write(unit);
      }
      return new Key.Passphrase(line.toString(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the passphrase", file);
    } catch (IllegalArgumentException e) {
      throw unusable(file, "has an empty first line, where the passphrase should be", "write it there");
    }
  }

  public static Key.Identity identity(Path file) throws ImageException {
    String[] halves = halves(file, IDENTITY, "is no identity", "use the file that `stasis keygen` made");
    return new Key.Identity(Bytes.hex(halves[0]), Bytes.hex(halves[1]));
  }

  public static SigningKey signingKey(Path file) throws ImageException {
    String[] halves = halves(file, SIGNING, "is no signing key", "use the file that `stasis keygen --signing` made");
    return new SigningKey(Bytes.hex(halves[0]), Bytes.hex(halves[1]));
  }

  /// @param said `x25519:HEX`, or a file with such a line
  public static Key.Recipient recipient(String said) throws ImageException {
    return new Key.Recipient(publicKey(said, RECIPIENT, "recipient"));
  }

  /// @param said `ed25519:HEX`, or a file with such a line
  public static Bytes signer(String said) throws ImageException {
    return publicKey(said, SIGNER, "signer");
  }

  private static Bytes publicKey(String said, String prefix, String what) throws ImageException {
    String line = said.startsWith(prefix) ? said : lines(Path.of(said)).stream()
        .filter(one -> one.startsWith(prefix)).findFirst().orElse("");
    String hex = line.replace(prefix, "").strip();
    if (!line.startsWith(prefix) || !hex.matches("[0-9a-f]{64}")) {
      throw new ImageException(ImageException.Reason.LOCKED, "'" + said + "' is no " + what,
          "give " + prefix + " and 64 hexadecimal digits, or the .pub file that `stasis keygen` made");
    }
    return Bytes.hex(hex);
  }

  private static String[] halves(Path file, String prefix, String problem, String remedy) throws ImageException {
    for (String line : lines(file)) {
      if (line.startsWith(prefix) && line.substring(prefix.length()).matches("[0-9a-f]{64} [0-9a-f]{64}")) {
        return line.substring(prefix.length()).split(" ", 2);
      }
    }
    throw unusable(file, problem, remedy);
  }

  private static ImageException unusable(Path file, String problem, String remedy) {
    return new ImageException(ImageException.Reason.LOCKED, file + " " + problem, remedy);
  }

  private static List<String> lines(Path file) throws ImageException {
    return new String(content(file), StandardCharsets.ISO_8859_1).lines().toList();
  }

  private static byte[] content(Path file) throws ImageException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(MAX_BYTES + 1);
      if (content.length > MAX_BYTES) {
        throw unusable(file, "is too long for a key", "give another file");
      }
      return content;
    } catch (IOException e) {
      throw Faults.of(e, "cannot read a key", file);
    }
  }

  /// What `keygen` makes.
  public enum Kind { IDENTITY, SIGNING, KEY_FILE }

  /// Makes a key in a file of mode 0600, and its public half, where it has one, in FILE.pub.
  ///
  /// @return the public half as it is given to others, or empty text
  public static String generate(Kind kind, Path file) throws ImageException {
    return switch (kind) {
      case IDENTITY -> {
        Crypto.Pair pair = Crypto.newPair();
        yield write(file, "# Keep this to yourself: it opens what is encrypted for\n", IDENTITY, pair.privateKey(),
            pair.publicKey(), RECIPIENT);
      }
      case SIGNING -> {
        SigningKey key = SigningKey.generate();
        yield write(file, "# Keep this to yourself: it signs as\n", SIGNING, key.seed(), key.publicKey(), SIGNER);
      }
      case KEY_FILE -> {
        write(file, HEX.formatHex(Crypto.random(Crypto.KEY_BYTES)) + "\n");
        yield "";
      }
    };
  }

  private static String write(Path file, String remark, String prefix, Bytes secret, Bytes open, String word)
      throws ImageException {
    String said = word + HEX.formatHex(open.toArray());
    write(file, remark + "# " + said + "\n" + prefix + HEX.formatHex(secret.toArray()) + " "
        + HEX.formatHex(open.toArray()) + "\n");
    write(file.resolveSibling(file.getFileName() + ".pub"), said + "\n");
    return said;
  }

  private static void write(Path file, String text) throws ImageException {
    try {
      Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(file, text, StandardOpenOption.WRITE);
    } catch (FileAlreadyExistsException e) {
      throw new ImageException(ImageException.Reason.OCCUPIED, file + " exists",
          "give another file; a key that is replaced is gone", e);
    } catch (IOException e) {
      throw Faults.of(e, "cannot write a key", file);
    }
  }
}
