package stasis.image;

import java.util.List;
import stasis.linux.abi.Bytes;

/// A record read without its class: what a viewer draws. Produced by [SchemaDescriptor#read].
public sealed interface Value {
  /// Whole numbers of a kernel type print as the kernel prints them: addresses and signal sets in hex.
  record Whole(String type, long number) implements Value {}

  record Flag(boolean set) implements Value {}

  /// A string, or an enum constant's name.
  record Text(String type, String text) implements Value {}

  record Raw(String type, Bytes bytes) implements Value {}

  record Sequence(List<Value> elements) implements Value {
    public Sequence {
      elements = List.copyOf(elements);
    }
  }

  /// A record, or the one entry of a variant.
  record Message(String type, List<Entry> entries) implements Value {
    public Message {
      entries = List.copyOf(entries);
    }
  }

  /// A field the schema does not know, as a newer engine may write it.
  ///
  /// @param content as on the wire; a varint as 8 bytes
  record Unknown(int wireType, Bytes content) implements Value {}

  /// @param name of the field; `?7` for an unknown one with tag 7
  record Entry(String name, Value value) {}

  /// One `name: value` per line, nested ones indented; text is escaped so that no terminal obeys it.
  default String show() {
    return ValueText.show(this);
  }

  /// One line of JSON. Bytes are hex, addresses and signal sets strings, other whole numbers numbers.
  default String json() {
    return ValueText.json(this);
  }
}
