package stasis.repository;

/// Pages that come before anybody knows what image they are of.
public interface AheadPages extends AutoCloseable {
  PageSink pages();

  /// All that was announced has come. @return what the image, or more pages ahead, can refer to
  EarlierPages finish() throws ImageException;

  @Override
  void close();
}
