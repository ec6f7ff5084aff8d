package stasis.procfs;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.nio.file.attribute.FileTime;
import stasis.linux.abi.PathBytes;

/// Reads of one file, link or directory of /proc, with the kernel's refusals sorted into [ProcException].
final class ProcFile {
  /// A file made by single_open() is made whole at the first read(2), and comes from it if the buffer holds it; maps and
  /// smaps come in pieces of a page whatever the buffer (fs/seq_file.c, seq_read_iter()). Twice what status has: these
  /// are read by the thousand, and what they leave behind has to be collected.
  private static final int FIRST_READ_BYTES = 4 * 1024;
  private static final int MAX_READ_BYTES = 64 * 1024;
  private static final int MAX_FILE_BYTES = 512 * 1024 * 1024;
  private static final int MAX_ENTRIES = 8 * 1024 * 1024;

  @FunctionalInterface
  interface Reading<T> {
    T from(InputStream in) throws IOException;
  }

  /// @param task directory of the task, to tell a gone task from an absent file
  <T> T read(Path task, Path file, Reading<T> reading) throws ProcException {
    try (InputStream in = Files.newInputStream(file)) {
      return reading.from(in);
    } catch (IOException e) {
      throw sorted(task, file, e);
    }
  }

  byte[] bytes(Path task, Path file) throws ProcException {
    return read(task, file, in -> all(in, Arrays::copyOf));
  }

  String text(Path task, Path file) throws ProcException {
    return read(task, file, in -> all(in, (bytes, length) -> new String(bytes, 0, length, StandardCharsets.ISO_8859_1)));
  }

  private interface Made<T> {
    T of(byte[] bytes, int length);
  }

  private static <T> T all(InputStream in, Made<T> made) throws IOException {
    byte[] bytes = new byte[FIRST_READ_BYTES];
    int length = 0;
    while (true) {
      int count = in.read(bytes, length, Math.min(bytes.length - length, MAX_READ_BYTES));
      if (count < 0) {
        return made.of(bytes, length);
      }
      length += count;
      if (length == bytes.length) {
        if (length >= MAX_FILE_BYTES) {
          throw new IOException("longer than " + MAX_FILE_BYTES + " bytes");
        }
        bytes = Arrays.copyOf(bytes, 4 * length);
      }
    }
  }

  /// The text of a link, byte for byte: Java's `Path.toString` loses bytes that are not of the locale's charset.
  PathBytes link(Path task, Path file) throws ProcException {
    try {
      Path target = Files.readSymbolicLink(file);
      String text = target.toString();
      if (text.chars().allMatch(c -> c > 0 && c < 0x80)) {
        return PathBytes.of(text);
      }
      return PathBytes.of(rawBytes(target));
    } catch (IOException e) {
      throw sorted(task, file, e);
    }
  }

  /// A path's URI escapes the path's own bytes, not its text (sun.nio.fs.UnixUriUtils), so no byte is lost. It is made
  /// absolute first and gets a slash behind a directory; both are taken off.
  private static String rawBytes(Path target) {
    Path prefix = target.isAbsolute() ? target : Path.of("/").resolve(target);
    String escaped = prefix.toUri().getRawPath();
    var bytes = new StringBuilder(escaped.length());
    for (int i = target.isAbsolute() ? 0 : 1; i < escaped.length(); i++) {
      char c = escaped.charAt(i);
      if (c == '%') {
        c = (char) Integer.parseInt(escaped, i + 1, i + 3, 16);
        i += 2;
      }
      bytes.append(c);
    }
    if (bytes.length() > 1 && bytes.charAt(bytes.length() - 1) == '/') {
      bytes.setLength(bytes.length() - 1);
    }
    return bytes.toString();
  }

  /// stat(2) of what the link leads to; a magic link needs no path that still exists.
  FileStat stat(Path task, Path file) throws ProcException {
    try {
      Map<String, Object> attributes =
          Files.readAttributes(file, "unix:dev,ino,mode,nlink,rdev,size,lastModifiedTime");
      return new FileStat(Device.ofStat(number(attributes, "dev")), number(attributes, "ino"),
          (int) number(attributes, "mode"), (int) number(attributes, "nlink"),
          Device.ofStat(number(attributes, "rdev")), number(attributes, "size"),
          ((FileTime) Objects.requireNonNull(attributes.get("lastModifiedTime"))).toInstant());
    } catch (IOException e) {
      throw sorted(task, file, e);
    }
  }

  private static long number(Map<String, Object> attributes, String name) {
    return ((Number) Objects.requireNonNull(attributes.get(name))).longValue();
  }

  /// Names in a directory, sorted.
  List<String> names(Path task, Path directory) throws ProcException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      var names = new ArrayList<String>();
      for (Path entry : entries) {
        names.add(Objects.requireNonNull(entry.getFileName()).toString());
        if (names.size() > MAX_ENTRIES) {
          throw new ProcUnreadableException(directory, "more than " + MAX_ENTRIES + " entries");
        }
      }
      Collections.sort(names);
      return names;
    } catch (DirectoryIteratorException e) {
      throw sorted(task, directory, Objects.requireNonNull(e.getCause()));
    } catch (IOException e) {
      throw sorted(task, directory, e);
    }
  }

  /// The numeric names in a directory, rising.
  List<Integer> numbers(Path task, Path directory) throws ProcException {
    var numbers = new ArrayList<Integer>();
    for (String name : names(task, directory)) {
      if (name.chars().allMatch(c -> c >= '0' && c <= '9')) {
        numbers.add(Integer.valueOf(name));
      }
    }
    Collections.sort(numbers);
    return numbers;
  }

  /// ESRCH is told by its text alone: Java has no exception for it. A zombie's directory stands while files give it.
  static ProcException sorted(Path task, Path file, IOException e) {
    String message = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
    String reason = Objects.requireNonNullElse(message, "");
    if (reason.contains("No such process") || !Files.exists(task, LinkOption.NOFOLLOW_LINKS)) {
      return new TaskGoneException(file);
    }
    if (e instanceof NoSuchFileException) {
      return new ProcAbsentException(file);
    }
    if (e instanceof AccessDeniedException || reason.contains("Operation not permitted")
        || reason.contains("Permission denied")) {
      return new ProcDeniedException(file);
    }
    return new ProcUnreadableException(file, reason.isEmpty() ? e.toString() : reason);
  }
}
