package stasis.repository;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// AES-256 in Galois/counter mode (NIST SP 800-38D), for one thread. Whoever calls sees to it that no key meets a nonce
/// twice.
final class Gcm {
  static final int NONCE_BYTES = 12;
  static final int TAG_BYTES = 16;
  private static final int TAG_BITS = 8 * TAG_BYTES;
  private static final byte[] NO_NONCE = new byte[NONCE_BYTES];

  private final Cipher cipher;

  Gcm() {
    try {
      cipher = Cipher.getInstance("AES/GCM/NoPadding");
    } catch (GeneralSecurityException e) {
      throw Crypto.missing(e);
    }
  }

  /// @param context what must be the same when it is opened @param into gets so many bytes and [#TAG_BYTES]
  void close(byte[] key, byte[] nonce, byte[] context, ByteBuffer plain, ByteBuffer into) {
    try {
      cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(context);
      int _ = cipher.doFinal(plain, into);
    } catch (GeneralSecurityException e) {
      throw Crypto.missing(e);
    }
  }

  /// @throws AEADBadTagException when key, nonce, context or a byte are not those it was closed with
  void open(byte[] key, byte[] nonce, byte[] context, ByteBuffer closed, ByteBuffer into) throws AEADBadTagException {
    try {
      cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(context);
      int _ = cipher.doFinal(closed, into);
    } catch (AEADBadTagException e) {
      throw e;
    } catch (GeneralSecurityException e) {
      throw Crypto.missing(e);
    }
  }

  /// Closes something small with a key that is used for nothing else.
  byte[] closeOnce(byte[] key, byte[] context, byte[] plain) {
    byte[] closed = new byte[plain.length + TAG_BYTES];
    close(key, NO_NONCE, context, ByteBuffer.wrap(plain), ByteBuffer.wrap(closed));
    return closed;
  }

  /// What [#closeOnce] closed.
  byte[] openOnce(byte[] key, byte[] context, byte[] closed) throws AEADBadTagException {
    if (closed.length < TAG_BYTES) {
      throw new AEADBadTagException("too short");
    }
    byte[] plain = new byte[closed.length - TAG_BYTES];
    open(key, NO_NONCE, context, ByteBuffer.wrap(closed), ByteBuffer.wrap(plain));
    return plain;
  }
}
