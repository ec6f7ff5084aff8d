package stasis.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Where a restorer's policy is when nobody says: the machine's, `/etc/stasis/policy`, else the user's,
/// `$XDG_CONFIG_HOME/stasis/policy` or `~/.config/stasis/policy`.
final class PolicyPlace {
  private PolicyPlace() {}

  static Optional<Path> find() {
    return find(Path.of("/etc"), System.getenv());
  }

  static Optional<Path> find(Path etc, Map<String, String> environment) {
    Optional<Path> config = Optional.ofNullable(environment.get("XDG_CONFIG_HOME")).filter(home -> !home.isEmpty())
        .map(Path::of).or(() -> Optional.ofNullable(environment.get("HOME")).map(home -> Path.of(home, ".config")));
    // One that is there and cannot be read is a policy as well: the restore then fails.
    return Stream.concat(Stream.of(etc), config.stream()).map(place -> place.resolve("stasis").resolve("policy"))
        .filter(Files::exists).findFirst();
  }
}
