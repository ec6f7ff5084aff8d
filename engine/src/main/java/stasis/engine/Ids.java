package stasis.engine;

import stasis.image.ObjectId;

/// Hands out object ids in collection order.
final class Ids {
  private int last;

  ObjectId next() {
    return new ObjectId(++last);
  }
}
