package stasis.repository;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Optional;
import javax.crypto.AEADBadTagException;
import javax.crypto.Mac;

/// How one repository names and closes what it keeps; without a key nothing is closed and names are SHA-256. May be
/// used by several threads.
final class Vault {
  /// Nothing is closed.
  static final Vault NONE = new Vault(Optional.empty());
  /// By how much a closed chunk is longer.
  static final int OVERHEAD_BYTES = Gcm.NONCE_BYTES + Gcm.TAG_BYTES;
  private static final byte[] CHECKPOINT = "stasis-sealed-checkpoint 1\n".getBytes(StandardCharsets.US_ASCII);

  private final Optional<Secrets> secrets;

  /// One for each purpose.
  private static final class Secrets {
    private final byte[] names;
    private final byte[] chunks;
    private final byte[] checkpoints;
    private final byte[] mark;

    Secrets(byte[] key) {
      names = Crypto.derive(key, new byte[0], "stasis repository names 1");
      chunks = Crypto.derive(key, new byte[0], "stasis repository chunks 1");
      checkpoints = Crypto.derive(key, new byte[0], "stasis repository checkpoints 1");
      mark = Crypto.derive(key, new byte[0], "stasis repository mark 1");
    }
  }

  private Vault(Optional<Secrets> secrets) {
    this.secrets = secrets;
  }

  /// @param key of the repository
  static Vault of(byte[] key) {
    return new Vault(Optional.of(new Secrets(key)));
  }

  boolean closes() {
    return secrets.isPresent();
  }

  Worker worker() {
    return secrets.<Worker>map(Closing::new).orElseGet(Plain::new);
  }

  /// What shows that somebody who has the key wrote the lines before.
  byte[] sealOfMark(String lines) {
    return Crypto.hmac(secrets.orElseThrow().mark).doFinal(lines.getBytes(StandardCharsets.ISO_8859_1));
  }

  /// For one thread.
  sealed interface Worker {
    /// Equal contents have one name.
    ChunkId name(byte[] bytes, int offset, int lengthBytes);

    /// @param plainBytes length before compression @param into has room for [#OVERHEAD_BYTES] more
    /// @return how many bytes it has become
    int close(ChunkId id, int plainBytes, ByteBuffer packed, byte[] into);

    /// @param into gets what was given to [#close] @return how many bytes that is
    int open(Pack.Entry entry, byte[] stored, byte[] into) throws AEADBadTagException;
  }

  /// Leaves all as it is.
  private static final class Plain implements Worker {
    private final MessageDigest sha256 = Layout.sha256();

    @Override
    public ChunkId name(byte[] bytes, int offset, int lengthBytes) {
      sha256.update(bytes, offset, lengthBytes);
      return ChunkId.of(sha256.digest());
    }

    @Override
    public int close(ChunkId id, int plainBytes, ByteBuffer packed, byte[] into) {
      int length = packed.remaining();
      packed.get(into, 0, length);
      return length;
    }

    @Override
    public int open(Pack.Entry entry, byte[] stored, byte[] into) {
      System.arraycopy(stored, 0, into, 0, entry.storedBytes());
      return entry.storedBytes();
    }
  }

  /// Each chunk has a key of its own, from its name; a random nonce stands before what is closed. Whoever stores the
  /// same chunk twice, packed in two ways, uses its key with two nonces.
  private static final class Closing implements Worker {
    private final Mac names;
    private final Mac chunks;
    private final Gcm gcm = new Gcm();

    Closing(Secrets secrets) {
      names = Crypto.hmac(secrets.names);
      chunks = Crypto.hmac(secrets.chunks);
    }

    @Override
    public ChunkId name(byte[] bytes, int offset, int lengthBytes) {
      names.update(bytes, offset, lengthBytes);
      return ChunkId.of(names.doFinal());
    }

    private static byte[] context(ChunkId id, int plainBytes) {
      ByteBuffer context = ByteBuffer.allocate(ChunkId.BYTES + 4);
      id.write(context);
      return context.putInt(plainBytes).array();
    }

    private byte[] key(ChunkId id) {
      ByteBuffer name = ByteBuffer.allocate(ChunkId.BYTES);
      id.write(name);
      return chunks.doFinal(name.array());
    }

    @Override
    public int close(ChunkId id, int plainBytes, ByteBuffer packed, byte[] into) {
      byte[] nonce = Crypto.random(Gcm.NONCE_BYTES);
      ByteBuffer out = ByteBuffer.wrap(into).put(nonce);
      gcm.close(key(id), nonce, context(id, plainBytes), packed, out);
      return out.position();
    }

    @Override
    public int open(Pack.Entry entry, byte[] stored, byte[] into) throws AEADBadTagException {
      if (entry.storedBytes() <= OVERHEAD_BYTES) {
        throw new AEADBadTagException("too short");
      }
      byte[] nonce = Arrays.copyOf(stored, Gcm.NONCE_BYTES);
      ByteBuffer out = ByteBuffer.wrap(into);
      gcm.open(key(entry.id()), nonce, context(entry.id(), entry.bytes()),
          ByteBuffer.wrap(stored, Gcm.NONCE_BYTES, entry.storedBytes() - Gcm.NONCE_BYTES), out);
      return out.position();
    }
  }

  /// A checkpoint as it is kept. @param title what it is called there: it cannot be given another's name
  ByteBuffer closeCheckpoint(ByteBuffer text, String title) {
    if (secrets.isEmpty()) {
      return text;
    }
    byte[] salt = Crypto.random(Crypto.SALT_BYTES);
    byte[] plain = new byte[text.remaining()];
    text.get(plain);
    byte[] closed = new Gcm().closeOnce(Crypto.hmac(secrets.get().checkpoints).doFinal(salt),
        title.getBytes(StandardCharsets.US_ASCII), plain);
    return ByteBuffer.allocate(CHECKPOINT.length + salt.length + closed.length).put(CHECKPOINT).put(salt).put(closed)
        .flip();
  }

  /// What [#closeCheckpoint] closed.
  ///
  /// @param where for messages @throws ImageException when it was changed, or is another's
  byte[] openCheckpoint(byte[] kept, String title, String where) throws ImageException {
    if (secrets.isEmpty()) {
      return kept;
    }
    int head = CHECKPOINT.length + Crypto.SALT_BYTES;
    if (kept.length < head || !Arrays.equals(kept, 0, CHECKPOINT.length, CHECKPOINT, 0, CHECKPOINT.length)) {
      throw new ImageException(ImageException.Reason.DAMAGED, where + " is not encrypted as its repository is",
          "take it from another copy of the repository");
    }
    byte[] salt = Arrays.copyOfRange(kept, CHECKPOINT.length, head);
    try {
      return new Gcm().openOnce(Crypto.hmac(secrets.get().checkpoints).doFinal(salt),
          title.getBytes(StandardCharsets.US_ASCII), Arrays.copyOfRange(kept, head, kept.length));
    } catch (AEADBadTagException e) {
      throw new ImageException(ImageException.Reason.DAMAGED, where + " is damaged or was changed, or is another's",
          "take it from another copy of the repository", e);
    }
  }
}
