package stasis.cli;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;
import stasis.repository.ImageException;
import stasis.repository.Policy;

/// What opens an image, and whose are accepted.
final class AcceptOptions extends KeyOptions {
  @Option(names = "--policy", paramLabel = "FILE", description = "Accept images of the signers in FILE only; without"
      + " this, of those in /etc/stasis/policy or ~/.config/stasis/policy, if there is one.")
  private Optional<Path> policy = Optional.empty();
  @Option(names = "--allow-credentials", description = "As root, take another user's image: its program gets whatever"
      + " files and credentials that says, root's too.")
  private boolean allowCredentials;

  @Override
  Guard guard() throws ImageException {
    Optional<Path> place = policy.or(PolicyPlace::find);
    return new Guard(keys(), Optional.empty(), place.isPresent() ? Optional.of(Policy.read(place.get()))
        : Optional.empty(), allowCredentials);
  }
}
