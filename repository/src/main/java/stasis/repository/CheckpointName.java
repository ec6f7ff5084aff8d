package stasis.repository;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How a user says which checkpoint of a repository: `NAME@K`, `NAME@TAG`, or `NAME` for its newest.
///
/// @param which a number from 1, or a tag; empty: the newest
public record CheckpointName(String name, Optional<String> which) {
  private static final String WORD = "[A-Za-z0-9][A-Za-z0-9._+-]{0,99}";
  private static final Pattern REFERENCE = Pattern.compile("(" + WORD + ")(?:@(" + WORD + "))?");
  private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,8}");

  /// @return empty when it is no such name
  public static Optional<CheckpointName> parse(String text) {
    Matcher matcher = REFERENCE.matcher(text);
    return matcher.matches() ? Optional.of(new CheckpointName(matcher.group(1), Optional.ofNullable(matcher.group(2))))
        : Optional.empty();
  }

  /// Whether a program, or a tag, may be called so.
  public static boolean isWord(String text) {
    return text.matches(WORD);
  }

  /// The number, where that is how it was said.
  Optional<Integer> number() {
    return which.filter(said -> NUMBER.matcher(said).matches()).map(Integer::valueOf);
  }

  @Override
  public String toString() {
    return name + which.map(said -> "@" + said).orElse("");
  }
}
