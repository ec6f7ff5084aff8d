package stasis.image;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import stasis.linux.abi.Bytes;

/// A cursor over hostile bytes: every length is checked against what encloses it, depth and element count against the
/// limits, and every failure says where it stands.
final class WireReader {
  private final String schema;
  private final Limits limits;
  private final CodedInputStream in;
  private final int totalBytes;
  private final Deque<String> path = new ArrayDeque<>();
  private int depth;
  private int elements;

  WireReader(String schema, Bytes message, Limits limits) throws DecodeException {
    this.schema = schema;
    this.limits = limits;
    this.totalBytes = message.length();
    if (totalBytes > limits.bytes()) {
      throw new DecodeException(schema, "", 0, totalBytes + " bytes, at most " + limits.bytes() + " are read");
    }
    this.in = CodedInputStream.newInstance(message.toArray());
  }

  void enterField(String name) {
    path.addLast(name);
  }

  void leaveField() {
    path.removeLast();
  }

  DecodeException failure(String reason) {
    return new DecodeException(schema, String.join(".", path), in.getTotalBytesRead(), reason);
  }

  /// What a record's constructor has against the values it was given.
  DecodeException refusal(String typeName, RuntimeException refusal) {
    String message = refusal.getMessage();
    return failure(typeName + " refuses it: " + (message == null ? refusal.getClass().getSimpleName() : message));
  }

  /// @return a wire tag, or 0 at the end of the enclosing message
  int tag() throws DecodeException {
    return read(CodedInputStream::readTag);
  }

  long whole() throws DecodeException {
    return read(CodedInputStream::readSInt64);
  }

  int wholeInt() throws DecodeException {
    long value = whole();
    if (value != (int) value) {
      throw failure(value + " does not fit an int");
    }
    return (int) value;
  }

  boolean flag() throws DecodeException {
    long value = read(CodedInputStream::readRawVarint64);
    if (value != 0 && value != 1) {
      throw failure("a boolean is 0 or 1, not " + Long.toUnsignedString(value));
    }
    return value == 1;
  }

  String text() throws DecodeException {
    return read(CodedInputStream::readStringRequireUtf8);
  }

  Bytes bytes() throws DecodeException {
    return Bytes.of(read(CodedInputStream::readByteArray));
  }

  /// Reads a length and confines the cursor to that many bytes.
  ///
  /// @return the confinement to hand to [#close]
  int open() throws DecodeException {
    if (++depth > limits.depth()) {
      throw failure("more than " + limits.depth() + " messages within each other");
    }
    return read(stream -> stream.pushLimit(stream.readRawVarint32()));
  }

  void close(int enclosing) throws DecodeException {
    if (!atEnd()) {
      throw failure("bytes left over");
    }
    in.popLimit(enclosing);
    depth--;
  }

  boolean atEnd() throws DecodeException {
    return read(CodedInputStream::isAtEnd);
  }

  void countElement() throws DecodeException {
    if (++elements > limits.elements()) {
      throw failure("more than " + limits.elements() + " list elements");
    }
  }

  /// Passes over a field this schema does not know. Groups are not part of the format.
  void skip(int tag) throws DecodeException {
    switch (WireFormat.getTagWireType(tag)) {
      case WireFormat.WIRETYPE_VARINT, WireFormat.WIRETYPE_FIXED64, WireFormat.WIRETYPE_FIXED32,
          WireFormat.WIRETYPE_LENGTH_DELIMITED -> read(stream -> stream.skipField(tag));
      default -> throw groups(tag);
    }
  }

  /// As [#skip], but keeps what it passes over.
  Value.Unknown unknown(int tag) throws DecodeException {
    int wireType = WireFormat.getTagWireType(tag);
    Bytes content = switch (wireType) {
      case WireFormat.WIRETYPE_VARINT -> Bytes.ofU64(read(CodedInputStream::readRawVarint64));
      case WireFormat.WIRETYPE_FIXED64 -> Bytes.ofU64(read(CodedInputStream::readFixed64));
      case WireFormat.WIRETYPE_FIXED32 -> Bytes.ofU32(read(CodedInputStream::readFixed32));
      case WireFormat.WIRETYPE_LENGTH_DELIMITED -> bytes();
      default -> throw groups(tag);
    };
    return new Value.Unknown(wireType, content);
  }

  private DecodeException groups(int tag) {
    return failure("field " + (tag >>> 3) + " has wire type " + (tag & 7) + ", which is not in use");
  }

  private interface Read<T> {
    T from(CodedInputStream in) throws IOException;
  }

  private <T> T read(Read<T> what) throws DecodeException {
    try {
      return what.from(in);
    } catch (InvalidProtocolBufferException e) {
      throw failure("not well-formed: " + e.getMessage());
    } catch (IOException e) {
      throw new AssertionError("memory does not fail", e);
    }
  }
}
