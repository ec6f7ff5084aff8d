package stasis.repository;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.interfaces.XECPrivateKey;
import java.security.interfaces.XECPublicKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.XECPrivateKeySpec;
import java.security.spec.XECPublicKeySpec;
import javax.crypto.KDF;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import stasis.linux.abi.Bytes;

/// What of the JDK's cryptography is used, each with its one choice of parameters. Why these:
/// `docs/designs/secrecy.md`.
final class Crypto {
  static final int KEY_BYTES = 32;
  static final int SALT_BYTES = 32;
  private static final int KEY_BITS = 8 * KEY_BYTES;
  private static final SecureRandom RANDOM = new SecureRandom();

  private Crypto() {}

  static AssertionError missing(GeneralSecurityException e) {
    return new AssertionError("the JDK lacks what it is documented to have", e);
  }

  static byte[] random(int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    RANDOM.nextBytes(bytes);
    return bytes;
  }

  /// HKDF-SHA256 (RFC 5869). @param purpose tells keys from one secret apart
  static byte[] derive(byte[] secret, byte[] salt, String purpose) {
    try {
      HKDFParameterSpec parameters = HKDFParameterSpec.ofExtract().addIKM(secret).addSalt(salt)
          .thenExpand(purpose.getBytes(StandardCharsets.US_ASCII), KEY_BYTES);
      return KDF.getInstance("HKDF-SHA256").deriveData(parameters);
    } catch (GeneralSecurityException e) {
      throw missing(e);
    }
  }

  /// PBKDF2 with HMAC-SHA256 (RFC 8018) of the passphrase in UTF-8.
  static byte[] stretch(String passphrase, byte[] salt, int iterations) {
    try {
      PBEKeySpec parameters = new PBEKeySpec(passphrase.toCharArray(), salt, iterations, KEY_BITS);
      return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(parameters).getEncoded();
    } catch (GeneralSecurityException e) {
      throw missing(e);
    }
  }

  static Mac hmac(byte[] key) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac;
    } catch (GeneralSecurityException e) {
      throw missing(e);
    }
  }

  /// Two halves as RFC 7748 writes them.
  record Pair(Bytes privateKey, Bytes publicKey) {}

  static Pair newPair() {
    try {
      KeyPair pair = KeyPairGenerator.getInstance("X25519").generateKeyPair();
      if (pair.getPrivate() instanceof XECPrivateKey secret && pair.getPublic() instanceof XECPublicKey open) {
        byte[] scalar = secret.getScalar().orElseThrow(() -> new AssertionError("a key of software shows itself"));
        return new Pair(Bytes.of(scalar), Bytes.of(littleEndian(open.getU())));
      }
      throw new AssertionError("a pair of another kind");
    } catch (GeneralSecurityException e) {
      throw missing(e);
    }
  }

  /// The secret two pairs share, from one half of each.
  ///
  /// @throws GeneralSecurityException for a public key of small order, which somebody made by hand
  static byte[] agree(Bytes privateKey, Bytes publicKey) throws GeneralSecurityException {
    KeyFactory factory = KeyFactory.getInstance("X25519");
    KeyAgreement agreement = KeyAgreement.getInstance("X25519");
    agreement.init(factory.generatePrivate(new XECPrivateKeySpec(NamedParameterSpec.X25519, privateKey.toArray())));
    agreement.doPhase(factory.generatePublic(
        new XECPublicKeySpec(NamedParameterSpec.X25519, number(publicKey.toArray()))), true);
    return agreement.generateSecret();
  }

  static byte[] littleEndian(BigInteger number) {
    byte[] big = number.toByteArray();
    byte[] little = new byte[Key.X25519_BYTES];
    for (int i = 0; i < Math.min(big.length, little.length); i++) {
      little[i] = big[big.length - 1 - i];
    }
    return little;
  }

  /// The topmost bit does not count (RFC 7748, section 5).
  static BigInteger number(byte[] little) {
    byte[] big = new byte[little.length];
    for (int i = 0; i < little.length; i++) {
      big[i] = little[little.length - 1 - i];
    }
    big[0] &= 0x7f;
    return new BigInteger(1, big);
  }
}
