package stasis.repository;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import javax.crypto.AEADBadTagException;
import stasis.linux.abi.Bytes;

/// The key of an image or a repository, locked in once for each key that is to open it. Text, a lock a line:
/// `docs/repository-format.md`.
///
/// @param locks at least one
record KeyBox(List<Lock> locks) {
  static final int MAX_TEXT_BYTES = 64 << 10;
  static final String WORD = "lock ";
  /// What NIST SP 800-132 and OWASP (2023) ask for with HMAC-SHA256; 0.2 s on a processor of these years.
  static final int ITERATIONS = 600_000;
  private static final int MIN_ITERATIONS = 1_000;
  /// Who reads a stranger's image computes no longer than this.
  private static final int MAX_ITERATIONS = 5_000_000;
  private static final int MAX_LOCKS = 64;
  private static final int MAX_PASSPHRASES = 4;
  private static final HexFormat HEX = HexFormat.of();

  KeyBox {
    locks = List.copyOf(locks);
    if (locks.isEmpty() || locks.size() > MAX_LOCKS
        || locks.stream().filter(lock -> lock.kind() == Kind.PASSPHRASE).count() > MAX_PASSPHRASES) {
      throw new IllegalArgumentException("1 to " + MAX_LOCKS + " locks, " + MAX_PASSPHRASES + " for passphrases");
    }
  }

  /// What opens a lock.
  enum Kind {
    KEY_FILE("a key file", "--key-file"),
    PASSPHRASE("a passphrase", "--passphrase-file"),
    X25519("a recipient", "--identity");

    private final String words;
    private final String option;

    Kind(String words, String option) {
      this.words = words;
      this.option = option;
    }

    String spelled() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /// @param salt also the one-time public key @param wrapped the key, closed
  record Lock(Kind kind, int iterations, Bytes salt, Bytes wrapped) {
    /// All but what is wrapped: it is closed with this as its context.
    private String head() {
      return WORD + kind.spelled() + " " + (kind == Kind.PASSPHRASE ? iterations + " " : "")
          + HEX.formatHex(salt.toArray());
    }

    private byte[] context() {
      return head().getBytes(StandardCharsets.US_ASCII);
    }

    private Optional<byte[]> opened(byte[] by) {
      try {
        return Optional.of(new Gcm().openOnce(by, context(), wrapped.toArray()));
      } catch (AEADBadTagException _) {
        return Optional.empty();
      }
    }

    String line() {
      return head() + " " + HEX.formatHex(wrapped.toArray());
    }
  }

  /// @param key what is to be kept in it @throws IllegalArgumentException for too many keys
  static KeyBox close(byte[] key, Keys keys) {
    return new KeyBox(keys.all().stream().map(by -> lock(key, by)).toList());
  }

  private static Lock lock(byte[] key, Key by) {
    byte[] salt = Crypto.random(Crypto.SALT_BYTES);
    return switch (by) {
      case Key.KeyFile file -> wrap(key, empty(Kind.KEY_FILE, 0, salt), ofKeyFile(file, salt));
      case Key.Passphrase(String text) ->
          wrap(key, empty(Kind.PASSPHRASE, ITERATIONS, salt), Crypto.stretch(text, salt, ITERATIONS));
      case Key.Identity identity -> forRecipient(key, identity.publicKey());
      case Key.Recipient recipient -> forRecipient(key, recipient.publicKey());
    };
  }

  private static Lock empty(Kind kind, int iterations, byte[] salt) {
    return new Lock(kind, iterations, Bytes.of(salt), Bytes.EMPTY);
  }

  private static Lock forRecipient(byte[] key, Bytes recipient) {
    Crypto.Pair once = Crypto.newPair();
    try {
      return wrap(key, empty(Kind.X25519, 0, once.publicKey().toArray()),
          ofAgreement(Crypto.agree(once.privateKey(), recipient), once.publicKey(), recipient));
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("the recipient is no X25519 key", e);
    }
  }

  private static Lock wrap(byte[] key, Lock empty, byte[] by) {
    return new Lock(empty.kind(), empty.iterations(), empty.salt(),
        Bytes.of(new Gcm().closeOnce(by, empty.context(), key)));
  }

  private static byte[] ofKeyFile(Key.KeyFile file, byte[] salt) {
    return Crypto.derive(file.content().toArray(), salt, "stasis key file 1");
  }

  private static byte[] ofAgreement(byte[] shared, Bytes once, Bytes recipient) {
    byte[] both = Arrays.copyOf(once.toArray(), 2 * Key.X25519_BYTES);
    System.arraycopy(recipient.toArray(), 0, both, Key.X25519_BYTES, Key.X25519_BYTES);
    return Crypto.derive(shared, both, "stasis x25519 1");
  }

  /// @param what is closed, for messages @throws ImageException when none of the keys opens it
  byte[] open(Keys keys, String what) throws ImageException {
    if (keys.isEmpty()) {
      throw new ImageException(ImageException.Reason.LOCKED, what + " is encrypted for " + kinds(),
          "give the key: " + options());
    }
    for (Key key : keys.all()) {
      for (Lock lock : locks) {
        Optional<byte[]> opened = opened(lock, key);
        if (opened.isPresent()) {
          return opened.get();
        }
      }
    }
    throw new ImageException(ImageException.Reason.LOCKED, "the key that was given does not open " + what
        + ", which is encrypted for " + kinds(), "give the key it was written for: " + options());
  }

  private static Optional<byte[]> opened(Lock lock, Key key) {
    return switch (key) {
      case Key.KeyFile file when lock.kind() == Kind.KEY_FILE -> lock.opened(ofKeyFile(file, lock.salt().toArray()));
      case Key.Passphrase(String text) when lock.kind() == Kind.PASSPHRASE ->
          lock.opened(Crypto.stretch(text, lock.salt().toArray(), lock.iterations()));
      case Key.Identity identity when lock.kind() == Kind.X25519 -> agreed(lock, identity);
      case Key.KeyFile _, Key.Passphrase _, Key.Identity _, Key.Recipient _ -> Optional.empty();
    };
  }

  private static Optional<byte[]> agreed(Lock lock, Key.Identity identity) {
    try {
      return lock.opened(ofAgreement(Crypto.agree(identity.privateKey(), lock.salt()), lock.salt(),
          identity.publicKey()));
    } catch (GeneralSecurityException _) {
      return Optional.empty();
    }
  }

  private String kinds() {
    Map<Kind, Integer> counts = new LinkedHashMap<>();
    locks.forEach(lock -> counts.merge(lock.kind(), 1, Integer::sum));
    return counts.entrySet().stream().map(count -> count.getValue() == 1 ? count.getKey().words
        : count.getValue() + count.getKey().words.substring(1) + "s").collect(Collectors.joining(" and "));
  }

  private String options() {
    return locks.stream().map(lock -> lock.kind().option).distinct().collect(Collectors.joining(" or "));
  }

  String text() {
    return locks.stream().map(lock -> lock.line() + "\n").collect(Collectors.joining());
  }

  /// @param lines those that begin with [#WORD] @throws IllegalArgumentException for anything else
  static KeyBox parse(List<String> lines) {
    List<Lock> locks = new ArrayList<>();
    for (String line : lines) {
      locks.add(parse(line));
    }
    return new KeyBox(locks);
  }

  private static Lock parse(String line) {
    String[] words = line.split(" ", -1);
    Kind kind = Arrays.stream(Kind.values()).filter(known -> words.length > 1
        && known.spelled().equals(words[1])).findFirst()
        .orElseThrow(() -> new IllegalArgumentException("a lock of unknown kind"));
    int expected = kind == Kind.PASSPHRASE ? 5 : 4;
    if (words.length != expected || !line.startsWith(WORD)) {
      throw new IllegalArgumentException("a lock with " + (words.length - 1) + " words");
    }
    int iterations = kind == Kind.PASSPHRASE ? Integer.parseInt(words[2]) : 0;
    Lock lock = new Lock(kind, iterations, Bytes.hex(words[expected - 2]),
        Bytes.hex(words[expected - 1]));
    if (kind == Kind.PASSPHRASE && (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS)
        || lock.salt().length() != Crypto.SALT_BYTES || lock.wrapped().length() != Crypto.KEY_BYTES + Gcm.TAG_BYTES) {
      throw new IllegalArgumentException("a lock with impossible numbers");
    }
    if (!lock.line().equals(line)) {
      throw new IllegalArgumentException("a lock that is spelled in another way");
    }
    return lock;
  }
}
