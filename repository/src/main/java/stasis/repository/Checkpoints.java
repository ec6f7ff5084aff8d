package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// The folder `checkpoints` of a repository: names, numbers and tags.
final class Checkpoints {
  static final String LAST = "last";
  static final String TAGS = "tags";
  private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,8}");
  private static final int MAX_TAG_BYTES = 64;

  private final Path root;
  private final Path folder;
  private final Vault vault;

  Checkpoints(Path root, Vault vault) {
    this.root = root;
    this.vault = vault;
    this.folder = root.resolve(Repository.CHECKPOINTS);
  }

  /// The names under which there may be checkpoints, in order.
  List<String> names() throws ImageException {
    return entries(folder).stream().filter(CheckpointName::isWord).sorted().toList();
  }

  private List<String> entries(Path of) throws ImageException {
    List<String> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(of)) {
      entries.forEach(entry -> found.add(entry.getFileName().toString()));
      return found;
    } catch (NoSuchFileException _) {
      return found;
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the repository", root);
    }
  }

  List<Integer> numbers(String name) throws ImageException {
    return entries(folder.resolve(name)).stream().filter(entry -> NUMBER.matcher(entry).matches())
        .map(Integer::valueOf).sorted().toList();
  }

  /// Tags by their names. One that holds no number of a checkpoint is none.
  Map<String, Integer> tags(String name) throws ImageException {
    Map<String, Integer> tags = new TreeMap<>();
    for (String tag : entries(folder.resolve(name).resolve(TAGS))) {
      Optional<Integer> number = read(folder.resolve(name).resolve(TAGS).resolve(tag));
      number.filter(_ -> CheckpointName.isWord(tag)).ifPresent(value -> tags.put(tag, value));
    }
    return tags;
  }

  private static Optional<Integer> read(Path file) {
    try {
      if (Files.size(file) > MAX_TAG_BYTES) {
        return Optional.empty();
      }
      String text = Files.readString(file, StandardCharsets.US_ASCII).strip();
      return NUMBER.matcher(text).matches() ? Optional.of(Integer.valueOf(text)) : Optional.empty();
    } catch (IOException _) {
      return Optional.empty();
    }
  }

  /// The highest number ever given in a name's folder; 0 if none was.
  static int last(Path folder) throws IOException {
    int last = read(folder.resolve(LAST)).orElse(0);
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        String number = entry.getFileName().toString();
        last = NUMBER.matcher(number).matches() ? Math.max(last, Integer.parseInt(number)) : last;
      }
    }
    return last;
  }

  Path file(String name, int number) {
    return folder.resolve(name).resolve(Integer.toString(number));
  }

  Path tagFile(String name, String tag) {
    return folder.resolve(name).resolve(TAGS).resolve(tag);
  }

  /// Which checkpoint a user means. @throws ImageException when there is none
  Manifest find(CheckpointName wanted) throws ImageException {
    List<Integer> numbers = numbers(wanted.name());
    if (numbers.isEmpty()) {
      throw new ImageException(ImageException.Reason.NO_IMAGE, root + " holds no checkpoint of " + wanted.name(),
          names().isEmpty() ? "it holds none at all" : "it has " + String.join(", ", names()));
    }
    Optional<Integer> number = wanted.number().or(() -> wanted.which().isEmpty()
        ? Optional.of(numbers.getLast()) : Optional.empty());
    if (number.isEmpty()) {
      Map<String, Integer> tags = tags(wanted.name());
      number = Optional.ofNullable(tags.get(wanted.which().orElseThrow()));
      if (number.isEmpty()) {
        throw new ImageException(ImageException.Reason.NO_IMAGE, root + " has no tag " + wanted,
            tags.isEmpty() ? wanted.name() + " has none" : "its tags are " + String.join(", ", tags.keySet()));
      }
    }
    if (!numbers.contains(number.get())) {
      throw new ImageException(ImageException.Reason.NO_IMAGE, root + " holds no " + wanted.name() + "@"
          + number.get(), "`stasis log --repo " + root + "` lists what it holds");
    }
    return read(wanted.name(), number.get());
  }

  Manifest read(String name, int number) throws ImageException {
    Path file = file(name, number);
    try {
      if (Files.size(file) > Manifest.MAX_TEXT_BYTES) {
        throw new ImageException(ImageException.Reason.DAMAGED, file + " is too long for a checkpoint",
            "take it from another copy of the repository");
      }
      byte[] text = vault.openCheckpoint(Files.readAllBytes(file), name + "@" + number, file.toString());
      return Manifest.decode(ByteBuffer.wrap(text), name, number, file.toString());
    } catch (IOException e) {
      throw Faults.of(e, "cannot read a checkpoint", file);
    }
  }
}
