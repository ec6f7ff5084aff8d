package stasis.resource;

/// A time in which a file may be changed so that it would stay changed. Closing it makes the undo; if the engine is
/// killed before, its keeper does.
public interface Lasting extends AutoCloseable {
  @Override
  void close();
}
