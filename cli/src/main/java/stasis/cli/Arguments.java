package stasis.cli;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import stasis.linux.abi.Tid;
import stasis.repository.CheckpointName;

/// Checks that are usage errors when they fail.
final class Arguments {
  private Arguments() {}

  static Tid tid(CommandSpec spec, int pid) {
    if (pid <= 0) {
      throw usage(spec, "PID is a number above 0, not " + pid);
    }
    return new Tid(pid);
  }

  /// @return nanoseconds
  static long positiveMs(CommandSpec spec, String option, long ms) {
    if (ms <= 0 || ms > Long.MAX_VALUE / 1_000_000) {
      throw usage(spec, option + " is a number of milliseconds above 0, not " + ms);
    }
    return ms * 1_000_000;
  }

  /// An image is given as argument or as `--image`, once; with `--repo` it is the name of a checkpoint there.
  static ImageAt image(CommandSpec spec, Optional<String> argument, Optional<Path> option, Optional<Path> repository) {
    return image(spec, argument, option, repository, Optional.empty());
  }

  /// As above, also from a pipe.
  static ImageAt image(CommandSpec spec, Optional<String> argument, Optional<Path> option, Optional<Path> repository,
      Optional<Integer> commitFd) {
    boolean piped = argument.or(() -> option.map(Path::toString)).filter(ImageAt.Piped.WORD::equals).isPresent();
    if (commitFd.isPresent() && !piped) {
      throw usage(spec, "--commit-fd goes with --image -");
    }
    if (argument.isPresent() == option.isPresent()) {
      throw usage(spec, argument.isPresent() ? "give IMAGE or --image DIR, not both" : "which IMAGE?");
    }
    if (repository.isPresent() && argument.isEmpty()) {
      throw usage(spec, "give NAME@K with --repo, not --image");
    }
    if (piped && repository.isEmpty()) {
      return new ImageAt.Piped(commitFd.map(CommitFd::new));
    }
    return repository.isPresent() ? kept(spec, argument.orElseThrow(), repository.get())
        : new ImageAt.Folder(normal(argument.map(Path::of).or(() -> option).orElseThrow()));
  }

  static ImageAt.Kept kept(CommandSpec spec, String checkpoint, Path repository) {
    return new ImageAt.Kept(normal(repository), CheckpointName.parse(checkpoint).orElseThrow(() -> usage(spec, "'"
        + checkpoint + "' is no checkpoint of a repository; those are called NAME, NAME@K or NAME@TAG")));
  }

  /// Where a checkpoint goes: a folder, or a repository and a name.
  static ImageAt destination(CommandSpec spec, Optional<Path> folder, Optional<Path> repository,
      Optional<String> name) {
    if (folder.isPresent() == repository.isPresent()) {
      throw usage(spec, folder.isPresent() ? "give --image DIR or --repo DIR, not both"
          : "where to? give --image DIR, or --repo DIR --name NAME");
    }
    if (repository.isPresent() != name.isPresent()) {
      throw usage(spec, repository.isPresent() ? "--repo needs --name NAME" : "--name goes with --repo DIR");
    }
    if (repository.isEmpty()) {
      return new ImageAt.Folder(normal(folder.orElseThrow()));
    }
    return new ImageAt.Kept(normal(repository.get()), new CheckpointName(word(spec, name.orElseThrow()),
        Optional.empty()));
  }

  /// What a program or a tag in a repository may be called.
  static String word(CommandSpec spec, String name) {
    if (!CheckpointName.isWord(name)) {
      throw usage(spec, "'" + name + "' is no name; use letters, digits and . _ - +, a letter or digit first, at most"
          + " 100");
    }
    return name;
  }

  /// As messages name it and whatever the working directory becomes.
  static Path normal(Path given) {
    return given.toAbsolutePath().normalize();
  }

  private static ParameterException usage(CommandSpec spec, String problem) {
    return new ParameterException(spec.commandLine(), problem);
  }
}
