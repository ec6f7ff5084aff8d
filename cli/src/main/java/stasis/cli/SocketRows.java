package stasis.cli;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.ObjectId;
import stasis.image.StoredObject;
import stasis.linux.abi.Bytes;

/// Sockets as ss(8) lists them.
final class SocketRows {
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;

  private SocketRows() {}

  static Table of(Inspection image) throws DecodeException {
    Table table = new Table("NETID", "STATE", "RECV-Q", "SEND-Q", "LOCAL", "PEER", "PROCESS");
    Map<ObjectId, String> owners = owners(image);
    for (StoredObject object : image.statefile().objects()) {
      Fields fields = Fields.of(image.statefile(), object);
      String owner = owners.getOrDefault(object.id(), "in a message, or mapped");
      switch (object.schemaName()) {
        case "file.tcp" -> {
          Optional<Fields> connection = fields.record("connection");
          boolean listening = fields.text("phase").equals("LISTENING");
          table.row("tcp", state(fields.text("phase")),
              listening ? fields.text("waiting") : length(connection, "unread"),
              listening ? fields.text("backlog")
                  : Long.toString(count(connection, "unacked") + count(connection, "unsent")),
              address(fields.bytes("local")), address(fields.bytes("peer")), owner);
        }
        case "file.udp" -> table.row("udp", fields.bytes("peer").isEmpty() ? "UNCONN" : "ESTAB",
            Long.toString(fields.records("queue").stream().mapToLong(d -> d.bytes("payload").length()).sum()), "0",
            address(fields.bytes("local")), address(fields.bytes("peer")), owner);
        case "body.unix" -> unix(fields, owners, table);
        default -> { }
      }
    }
    return table;
  }

  private static String length(Optional<Fields> record, String field) {
    return Long.toString(count(record, field));
  }

  private static long count(Optional<Fields> record, String field) {
    return record.map(of -> (long) of.bytes(field).length()).orElse(0L);
  }

  private static void unix(Fields body, Map<ObjectId, String> owners, Table table) {
    var sockets = body.records("sockets");
    for (int i = 0; i < sockets.size(); i++) {
      int number = i;
      Fields socket = sockets.get(i);
      Optional<Fields> pair = body.records("pairs").stream()
          .filter(p -> p.number("one") == number || p.number("other") == number).findFirst();
      String peer = pair.map(p -> p.number("one") == number ? p.number("other") : p.number("one"))
          .map(other -> "* " + other).orElse("*");
      long queued = body.records("messages").stream().filter(m -> m.number("to") == number)
          .mapToLong(m -> m.bytes("data").length()).sum();
      String name = name(socket.bytes("name"));
      table.row(switch ((int) socket.number("type")) {
        case 1 -> "u_str";
        case 2 -> "u_dgr";
        case 5 -> "u_seq";
        default -> "unix";
      }, socket.field("backlog").isPresent() ? "LISTEN" : pair.isPresent() ? "ESTAB" : "UNCONN", Long.toString(queued),
          socket.field("backlog").isPresent() ? socket.text("backlog") : "0",
          (name.isEmpty() ? "*" : name) + " " + number,
          peer, socket.id("file").map(file -> owners.getOrDefault(file, "in a message")).orElse("closed"));
    }
  }

  /// An abstract name begins with `@`, as ss(8) prints it; nothing in it reaches the terminal as it is.
  private static String name(Bytes name) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      int unit = name.u8(i);
      out.append(unit == 0 ? "@" : unit < ' ' || unit > '~' ? "\\x%02x".formatted(unit) : String.valueOf((char) unit));
    }
    return out.toString();
  }

  private static Map<ObjectId, String> owners(Inspection image) throws DecodeException {
    Map<ObjectId, String> owners = new TreeMap<>();
    for (StoredObject files : image.statefile().objects("core.files")) {
      String users = image.users("files", files.id());
      for (Fields entry : Fields.of(image.statefile(), files).records("entries")) {
        entry.id("file").ifPresent(file -> owners.merge(file, users + " fd " + entry.text("fd"),
            (a, b) -> a + "; " + b));
      }
    }
    return owners;
  }

  private static String state(String phase) {
    return switch (phase) {
      case "LISTENING" -> "LISTEN";
      case "CONNECTED" -> "ESTAB";
      case "CONNECTING" -> "SYN-SENT";
      case "UNACCEPTED" -> "UNACCEPTED";
      case "ENDED" -> "CLOSED";
      default -> "UNCONN";
    };
  }

  /// On one line, for lsof.
  static String describe(StoredObject object, Fields fields) {
    String peer = fields.bytes("peer").isEmpty() ? "" : "->" + address(fields.bytes("peer"));
    return address(fields.bytes("local")) + peer
        + (object.schemaName().equals("file.tcp") ? " (" + state(fields.text("phase")) + ")" : "");
  }

  /// A `struct sockaddr_in` or `sockaddr_in6`.
  static String address(Bytes sockaddr) {
    if (sockaddr.length() < 8) {
      return "*:*";
    }
    int port = sockaddr.u8(2) << 8 | sockaddr.u8(3);
    String said = port == 0 ? "*" : Integer.toString(port);
    if (sockaddr.u16(0) == AF_INET) {
      return "%d.%d.%d.%d:%s".formatted(sockaddr.u8(4), sockaddr.u8(5), sockaddr.u8(6), sockaddr.u8(7), said);
    }
    if (sockaddr.u16(0) == AF_INET6 && sockaddr.length() >= 24) {
      StringBuilder out = new StringBuilder();
      for (int at = 8; at < 24; at += 2) {
        out.append(at == 8 ? "" : ":").append(Integer.toHexString(sockaddr.u8(at) << 8 | sockaddr.u8(at + 1)));
      }
      return "[" + out.toString().replaceFirst("(^|:)0(:0)+(:|$)", "::") + "]:" + said;
    }
    return sockaddr.toHex();
  }
}
