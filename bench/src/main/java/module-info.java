/// Figures beside a peer, run by hand: no part of Stasis and never a test.
@org.jspecify.annotations.NullMarked
module stasis.bench {
  requires static transitive org.jspecify;
}
