package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Bytes;

/// The certificate beside a statefile: a file named after the metadata it is for, so that one of another image is never
/// taken for it. Its bytes, then their CRC32C.
final class CertificateFile {
  private static final String PREFIX = "certificate-";
  private static final int NAME_BYTES = 8;
  private static final int CRC_BYTES = 4;
  private static final int MAX_BYTES = 64 << 20;

  private CertificateFile() {}

  private static Path of(Path folder, Bytes metadata) {
    byte[] digest = Layout.sha256().digest(metadata.toArray());
    return folder.resolve(PREFIX + HexFormat.of().formatHex(digest, 0, NAME_BYTES));
  }

  /// Written and on the device when this returns; nobody looks at it before the statefile has its name.
  static Path write(Path folder, Bytes metadata, Bytes certificate) throws IOException {
    Path file = of(folder, metadata);
    ByteBuffer content = ByteBuffer.allocate(certificate.length() + CRC_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    content.put(certificate.buffer()).putInt(Layout.crc(certificate.buffer())).flip();
    Files.deleteIfExists(file);
    try (FileChannel channel = FileChannel.open(file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      while (content.hasRemaining()) {
        channel.write(content);
      }
      channel.force(true);
    }
    return file;
  }

  /// @return empty where there is none
  static Optional<Bytes> read(Path folder, Bytes metadata) throws ImageException {
    Path file = of(folder, metadata);
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw FolderReader.damaged(file, "is too long for a certificate");
      }
      ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      int length = content.limit() - CRC_BYTES;
      if (length < 0 || content.getInt(length) != Layout.crc(content.slice(0, length))) {
        throw FolderReader.damaged(file, "is damaged");
      }
      return Optional.of(Bytes.of(content.slice(0, length)));
    } catch (NoSuchFileException _) {
      return Optional.empty();
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the certificate", file);
    }
  }

  /// Deletes those of images that are no more.
  static void deleteOthers(Path folder, Optional<Path> keep) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, PREFIX + "[0-9a-f]*")) {
      for (Path entry : entries) {
        if (keep.filter(entry::equals).isEmpty()) {
          Files.deleteIfExists(entry);
        }
      }
    }
  }
}
