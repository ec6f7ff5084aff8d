package stasis.resource;

/// What a copy that is made beside the living program can show of one of its objects; the copy never runs.
///
/// @param <S> the kind's state
public sealed interface Provable<S extends Record> {
  /// All of it.
  record Whole<S extends Record>() implements Provable<S> {}

  /// A part: the copy is made of `state` instead, and compared with it.
  ///
  /// @param why what is left out, and what stands in its way: one clause
  record Part<S extends Record>(S state, String why) implements Provable<S> {}

  /// Nothing: it is made as ever, and what it has become is not compared.
  record Unseen<S extends Record>(String why) implements Provable<S> {}

  /// Nothing, and the copy goes without it: only an aspect, to which nothing refers.
  record Without<S extends Record>(String why) implements Provable<S> {}

  /// No copy may be made beside the living program.
  record Forbidden<S extends Record>(String why) implements Provable<S> {}
}
