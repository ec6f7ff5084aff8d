package stasis.image;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// What one record looks like in a statefile: a protobuf message whose field numbers are the components' tags.
///
/// Components are int, long, boolean, String, Bytes, enums, records around one of these (`Tid`, `SigSet`), records
/// with tags, sealed interfaces of records with tags, and `List` or `Optional` of any of them. A component that is
/// neither is required: always written, and missed when absent. Same record, same bytes.
public final class Schema<S extends Record> {
  private final MethodHandles.Lookup lookup;
  private final Class<S> type;
  private final String name;
  private final int version;
  private final List<Integer> retired;
  /// What is derived from the record. Made at first use: a run uses few of all kinds, and deriving takes a millisecond.
  private volatile Optional<Derived> derived = Optional.empty();

  private record Derived(MessageCodec codec, SchemaDescriptor descriptor, String title) {}

  private Schema(MethodHandles.Lookup lookup, Class<S> type, String name, int version, List<Integer> retired) {
    this.lookup = lookup;
    this.type = type;
    this.name = name;
    this.version = version;
    this.retired = retired;
  }

  /// A record that cannot be stored is found out at first use, by an IllegalArgumentException.
  ///
  /// @param lookup the owner's own, so that no package need be opened to us
  /// @param retiredTags once used in `type`, never again
  public static <S extends Record> Schema<S> of(MethodHandles.Lookup lookup, Class<S> type, String name, int version,
      int... retiredTags) {
    List<Integer> retired = new ArrayList<>();
    for (int tag : retiredTags) {
      retired.add(tag);
    }
    return new Schema<>(lookup, type, name, version, List.copyOf(retired));
  }

  private Derived derived() {
    Optional<Derived> before = derived;
    return before.isPresent() ? before.get() : derive();
  }

  private synchronized Derived derive() {
    if (derived.isPresent()) {
      return derived.get();
    }
    CodecFactory factory = new CodecFactory(lookup);
    MessageCodec codec = factory.message(type);
    SchemaDescriptor descriptor = SchemaDescriptor.of(name, version, factory.types(), retired);
    Derived made = new Derived(codec, descriptor, descriptor.title());
    derived = Optional.of(made);
    return made;
  }

  public String name() {
    return name;
  }

  public int version() {
    return version;
  }

  public Class<S> type() {
    return type;
  }

  public SchemaDescriptor descriptor() {
    return derived().descriptor();
  }

  /// See [SchemaDescriptor#describe].
  public String describe() {
    return descriptor().describe();
  }

  public Bytes encode(S state) {
    return derived().codec().message(state);
  }

  /// @throws DecodeException when the bytes are not such a record, or the record's constructor refuses them
  public S decode(Bytes record, Limits limits) throws DecodeException {
    Derived derived = derived();
    return type.cast(derived.codec().read(derived.title(), record, limits));
  }

  /// @throws DecodeException also when the object has another schema, or one newer than this
  public S decode(StoredObject object, Limits limits) throws DecodeException {
    if (!object.schemaName().equals(name) || object.schemaVersion() > version) {
      throw new DecodeException(derived().title(), "", 0, "object " + object.id() + " is a "
          + Printable.escaped(object.schemaName()) + " v" + object.schemaVersion());
    }
    return decode(object.state(), limits);
  }

  /// Many lines, for people.
  public String show(S state) {
    try {
      return descriptor().show(encode(state));
    } catch (DecodeException e) {
      throw new AssertionError("what was just encoded cannot be read", e);
    }
  }
}
