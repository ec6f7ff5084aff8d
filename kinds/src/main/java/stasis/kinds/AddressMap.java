package stasis.kinds;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import stasis.linux.abi.Bytes;

/// Which internet addresses become which others at a restore. The first rule that fits counts.
public record AddressMap(List<Rule> rules) {
  /// @param host 4 or 16 bytes @param port empty for every port
  public record Place(Bytes host, OptionalInt port) {
    boolean holds(Bytes otherHost, int otherPort) {
      return host.equals(otherHost) && (port.isEmpty() || port.getAsInt() == otherPort);
    }
  }

  /// Both with a port or both without, and of one family.
  public record Rule(Place from, Place to) {
    public Rule {
      if (from.host().length() != to.host().length() || from.port().isPresent() != to.port().isPresent()) {
        throw new IllegalArgumentException("both sides must be of one family, and both with a port or both without");
      }
    }
  }

  public static final AddressMap NONE = new AddressMap(List.of());
  private static final Pattern V6 =
      Pattern.compile("\\[([0-9a-fA-F:.]+)](?::(\\d{1,5}))?|([0-9a-fA-F.]*:[0-9a-fA-F.]*:.*)");
  private static final Pattern V4 = Pattern.compile("(\\d+\\.\\d+\\.\\d+\\.\\d+)(?::(\\d{1,5}))?");
  private static final int MOST_PORTS = 65_536;

  public AddressMap {
    rules = List.copyOf(rules);
  }

  /// @param text `OLD=NEW`, each an address or an address with a port: 10.0.0.1, 10.0.0.1:80, ::1, [::1]:80
  /// @throws IllegalArgumentException for anything else
  public static Rule rule(String text) {
    int middle = text.indexOf('=');
    if (middle < 0) {
      throw new IllegalArgumentException("'" + text + "' is not OLD=NEW");
    }
    return new Rule(place(text.substring(0, middle)), place(text.substring(middle + 1)));
  }

  private static Place place(String text) {
    Matcher v4 = V4.matcher(text);
    if (v4.matches()) {
      return new Place(host(v4.group(1), 4), port(v4.group(2)));
    }
    Matcher v6 = V6.matcher(text);
    if (v6.matches()) {
      return v6.group(1) == null ? new Place(host(v6.group(3), 16), OptionalInt.empty())
          : new Place(host(v6.group(1), 16), port(v6.group(2)));
    }
    throw new IllegalArgumentException("'" + text + "' is no address");
  }

  /// What the patterns let through is no name: nothing is looked up.
  private static Bytes host(String text, int lengthBytes) {
    try {
      byte[] host = InetAddress.getByName(lengthBytes == 4 ? text : "[" + text + "]").getAddress();
      if (host.length == lengthBytes) {
        return Bytes.of(host);
      }
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("'" + text + "' is no address", e);
    }
    throw new IllegalArgumentException("'" + text + "' is an IPv4 address in IPv6 clothes");
  }

  private static OptionalInt port(@org.jspecify.annotations.Nullable String digits) {
    if (digits == null) {
      return OptionalInt.empty();
    }
    int port = Integer.parseInt(digits);
    if (port >= MOST_PORTS) {
      throw new IllegalArgumentException("there is no port " + port);
    }
    return OptionalInt.of(port);
  }

  /// The rule for an address, if any.
  public Optional<Rule> of(Bytes host, int port) {
    return rules.stream().filter(rule -> rule.from().holds(host, port)).findFirst();
  }
}
