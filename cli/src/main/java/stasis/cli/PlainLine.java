package stasis.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import stasis.engine.EmbedOrder;
import stasis.engine.FilePolicy;
import stasis.engine.Place;
import stasis.engine.Redaction;
import stasis.engine.TrackOrder;
import stasis.kinds.AddressMap;
import stasis.kinds.Outside;
import stasis.linux.abi.Tid;
import stasis.repository.CheckpointName;

/// A command line whose meaning is plain without picocli, whose classes and annotations cost a start 200 ms: all that
/// a script gives `checkpoint` and `restore`. Anything else, whatever is wrong included, is picocli's to read.
///
/// @param options by their long names; a flag has the empty text
record PlainLine(String verb, List<String> arguments, Map<String, String> options) {
  private enum Takes { NOTHING, VALUE, ATTACHED_VALUE, ATTACHED_ONLY }

  private static final Map<String, Takes> COMMON = Map.of("--json", Takes.ATTACHED_VALUE, "--quiet", Takes.NOTHING,
      "--verbose", Takes.NOTHING);
  private static final Map<String, Map<String, Takes>> VERBS = Map.of(
      "checkpoint", Map.of("--image", Takes.VALUE, "--leave-running", Takes.NOTHING, "--strict", Takes.NOTHING,
          "--max-freeze", Takes.VALUE, "--force", Takes.NOTHING, "--repo", Takes.VALUE, "--name", Takes.VALUE,
          "--track", Takes.NOTHING, "--pre-copy", Takes.ATTACHED_ONLY),
      "restore", Map.of("--image", Takes.VALUE, "--detach", Takes.NOTHING, "--pidfile", Takes.VALUE,
          "--dry-run", Takes.NOTHING, "--repo", Takes.VALUE, "--lazy", Takes.NOTHING));
  private static final Map<String, String> SHORT = Map.of("-q", "--quiet", "-v", "--verbose");
  private static final Set<String> PATHS = Set.of("--image", "--repo", "--pidfile", "--json");
  /// Where none is said, as CheckpointVerb has it.
  private static final String PRE_COPY_ROUNDS = "5";
  private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,8}");
  /// What picocli might read otherwise: files of arguments, quotes, an option where a value is missing.
  private static final Pattern PECULIAR = Pattern.compile("[-@\"'].*|");

  /// @return empty unless every word is one this class knows and nothing is missing or said twice
  static Optional<PlainLine> of(String... words) {
    Optional<Map<String, Takes>> known = words.length == 0 ? Optional.empty()
        : Optional.ofNullable(VERBS.get(words[0]));
    return known.flatMap(options -> read(words, options));
  }

  private static Optional<PlainLine> read(String[] words, Map<String, Takes> known) {
    List<String> arguments = new ArrayList<>();
    Map<String, String> options = new HashMap<>();
    for (int i = 1; i < words.length; i++) {
      if (!words[i].startsWith("-")) {
        if (PECULIAR.matcher(words[i]).matches()) {
          return Optional.empty();
        }
        arguments.add(words[i]);
        continue;
      }
      int equals = words[i].indexOf('=');
      String said = equals < 0 ? words[i] : words[i].substring(0, equals);
      String name = SHORT.getOrDefault(said, said);
      Optional<Takes> takes = Optional.ofNullable(known.get(name)).or(() -> Optional.ofNullable(COMMON.get(name)));
      if (takes.isEmpty() || takes.get() == Takes.NOTHING && equals >= 0) {
        return Optional.empty();
      }
      String value = "";
      if (equals >= 0) {
        value = words[i].substring(equals + 1);
      } else if (takes.get() == Takes.VALUE && i + 1 < words.length) {
        value = words[++i];
      }
      if (equals < 0 && takes.get() == Takes.ATTACHED_ONLY && i + 1 < words.length && !words[i + 1].startsWith("-")) {
        // picocli takes that for the option's value.
        return Optional.empty();
      }
      boolean valued = equals >= 0 || takes.get() == Takes.VALUE;
      if (valued && PECULIAR.matcher(value).matches() || options.putIfAbsent(name, value) != null) {
        return Optional.empty();
      }
    }
    return Optional.of(new PlainLine(words[0], arguments, options));
  }

  /// The same as it would be meant in another working directory.
  PlainLine at(Path directory) {
    Map<String, String> there = new HashMap<>(options);
    there.replaceAll((name, value) -> PATHS.contains(name) && !value.isEmpty() ? directory.resolve(value).toString()
        : value);
    boolean folders = verb.equals("restore") && !has("--repo");
    return new PlainLine(verb, folders ? arguments.stream().map(word -> directory.resolve(word).toString()).toList()
        : arguments, there);
  }

  /// What the line asks for, or empty where it is one to complain of.
  Optional<Callable<Integer>> request(Session session) {
    return verb.equals("checkpoint") ? checkpoint(session) : restore(session);
  }

  private Optional<Callable<Integer>> checkpoint(Session session) {
    Optional<ImageAt> image = destination();
    Optional<String> maxFreeze = value("--max-freeze");
    Optional<String> rounds = value("--pre-copy").map(said -> said.isEmpty() ? PRE_COPY_ROUNDS : said);
    boolean apart = has("--track") || has("--pre-copy");
    if (apart && value("--repo").isEmpty() || has("--track") && has("--pre-copy") || arguments.size() != 1
        || image.isEmpty() || !Stream.of(arguments.stream(), maxFreeze.stream(), rounds.stream())
            .flatMap(numbers -> numbers).allMatch(number -> NUMBER.matcher(number).matches())) {
      return Optional.empty();
    }
    return Optional.of(new Checkpointing(session, new Engine.CheckpointOrder(
        new Tid(Integer.parseInt(arguments.getFirst())), image.get(),
        has("--leave-running"), has("--strict"), has("--force"), maxFreeze.map(ms -> Long.parseLong(ms) * 1_000_000),
        Outside.REFUSED, Redaction.NONE, has("--track") ? TrackOrder.ON : TrackOrder.OFF,
        rounds.map(Integer::parseInt).orElse(0), EmbedOrder.NONE, Optional.empty(), false), json(), verbosity()));
  }

  private Optional<Callable<Integer>> restore(Session session) {
    List<String> images = new ArrayList<>(arguments);
    value("--image").ifPresent(images::add);
    Optional<ImageAt> image = images.size() != 1 ? Optional.empty() : value("--repo").isEmpty()
        ? Optional.of(new ImageAt.Folder(Arguments.normal(Path.of(images.getFirst()))))
        : arguments.isEmpty() ? Optional.empty() : kept(arguments.getFirst());
    if (image.isEmpty() || PolicyPlace.find().isPresent()) {
      return Optional.empty();
    }
    return Optional.of(new Restoring(session, image.get(), has("--detach"), false, AddressMap.NONE,
        value("--pidfile").map(Path::of), has("--dry-run"), has("--lazy"), Place.ANY,
        FilePolicy.REFUSE, json(), verbosity()));
  }

  private Optional<ImageAt> destination() {
    if (value("--image").isPresent() == value("--repo").isPresent()
        || value("--repo").isPresent() != value("--name").isPresent()) {
      return Optional.empty();
    }
    return value("--image").isPresent()
        ? value("--image").map(folder -> new ImageAt.Folder(Arguments.normal(Path.of(folder))))
        : value("--name").filter(CheckpointName::isWord).flatMap(this::kept);
  }

  private Optional<ImageAt> kept(String name) {
    return CheckpointName.parse(name).flatMap(parsed -> value("--repo")
        .map(folder -> new ImageAt.Kept(Arguments.normal(Path.of(folder)), parsed)));
  }

  boolean has(String option) {
    return options.containsKey(option);
  }

  private Optional<String> value(String option) {
    return Optional.ofNullable(options.get(option));
  }

  private JsonOption json() {
    return JsonOption.of(value("--json"));
  }

  private Verbosity verbosity() {
    return Verbosity.of(has("--quiet"), has("--verbose"));
  }
}
