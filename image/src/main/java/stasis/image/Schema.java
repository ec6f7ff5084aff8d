package stasis.image;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import java.util.List;
import stasis.linux.abi.Bytes;

/// What one record looks like in a statefile: a protobuf message whose field numbers are the components' tags.
///
/// Components are int, long, boolean, String, Bytes, enums, records around one of these (`Tid`, `SigSet`), records
/// with tags, sealed interfaces of records with tags, and `List` or `Optional` of any of them. A component that is
/// neither is required: always written, and missed when absent. Same record, same bytes.
public final class Schema<S extends Record> {
  private final Class<S> type;
  private final MessageCodec codec;
  private final SchemaDescriptor descriptor;

  private Schema(Class<S> type, MessageCodec codec, SchemaDescriptor descriptor) {
    this.type = type;
    this.codec = codec;
    this.descriptor = descriptor;
  }

  /// @param lookup the owner's own, so that no package need be opened to us
  /// @param retiredTags once used in `type`, never again
  /// @throws IllegalArgumentException when the record cannot be stored
  public static <S extends Record> Schema<S> of(MethodHandles.Lookup lookup, Class<S> type, String name, int version,
      int... retiredTags) {
    CodecFactory factory = new CodecFactory(lookup);
    MessageCodec codec = factory.message(type);
    List<Integer> retired = Arrays.stream(retiredTags).boxed().toList();
    return new Schema<>(type, codec, SchemaDescriptor.of(name, version, factory.types(), retired));
  }

  public String name() {
    return descriptor.name();
  }

  public int version() {
    return descriptor.version();
  }

  public Class<S> type() {
    return type;
  }

  public SchemaDescriptor descriptor() {
    return descriptor;
  }

  /// See [SchemaDescriptor#describe].
  public String describe() {
    return descriptor.describe();
  }

  public Bytes encode(S state) {
    try {
      return Bytes.of(codec.content(state));
    } catch (IOException e) {
      throw new AssertionError("memory does not fail", e);
    }
  }

  /// @throws DecodeException when the bytes are not such a record, or the record's constructor refuses them
  public S decode(Bytes record, Limits limits) throws DecodeException {
    return type.cast(codec.read(descriptor.title(), record, limits));
  }

  /// @throws DecodeException also when the object has another schema, or one newer than this
  public S decode(StoredObject object, Limits limits) throws DecodeException {
    if (!object.schemaName().equals(name()) || object.schemaVersion() > version()) {
      throw new DecodeException(descriptor.title(), "", 0, "object " + object.id() + " is a " + object.schemaName()
          + " v" + object.schemaVersion());
    }
    return decode(object.state(), limits);
  }

  /// Many lines, for people.
  public String show(S state) {
    try {
      return descriptor.show(encode(state));
    } catch (DecodeException e) {
      throw new AssertionError("what was just encoded cannot be read", e);
    }
  }
}
