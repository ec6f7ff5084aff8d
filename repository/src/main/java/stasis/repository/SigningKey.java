package stasis.repository;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import stasis.linux.abi.Bytes;

/// Signs images. Ed25519 (RFC 8032).
///
/// @param seed the secret half @param publicKey by which others know it
public record SigningKey(Bytes seed, Bytes publicKey) {
  static final int KEY_BYTES = 32;
  static final int SIGNATURE_BYTES = 64;

  public SigningKey {
    if (seed.length() != KEY_BYTES || publicKey.length() != KEY_BYTES) {
      throw new IllegalArgumentException("a signing key has two halves of " + KEY_BYTES + " bytes");
    }
  }

  static SigningKey generate() {
    try {
      KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
      if (pair.getPrivate() instanceof EdECPrivateKey secret && pair.getPublic() instanceof EdECPublicKey open) {
        byte[] seed = secret.getBytes().orElseThrow(() -> new AssertionError("a key of software shows itself"));
        byte[] encoded = Crypto.littleEndian(open.getPoint().getY());
        encoded[KEY_BYTES - 1] |= (byte) (open.getPoint().isXOdd() ? 0x80 : 0);
        return new SigningKey(Bytes.of(seed), Bytes.of(encoded));
      }
      throw new AssertionError("a pair of another kind");
    } catch (GeneralSecurityException e) {
      throw Crypto.missing(e);
    }
  }

  Bytes sign(byte[] message) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(KeyFactory.getInstance("Ed25519").generatePrivate(
          new EdECPrivateKeySpec(NamedParameterSpec.ED25519, seed.toArray())));
      signature.update(message);
      return Bytes.of(signature.sign());
    } catch (GeneralSecurityException e) {
      throw Crypto.missing(e);
    }
  }

  /// Whether the owner of that key has signed it.
  static boolean verifies(Bytes publicKey, byte[] message, Bytes signed) {
    try {
      byte[] encoded = publicKey.toArray();
      boolean odd = encoded[KEY_BYTES - 1] < 0;
      BigInteger y = Crypto.number(encoded);
      Signature signature = Signature.getInstance("Ed25519");
      signature.initVerify(KeyFactory.getInstance("Ed25519").generatePublic(
          new EdECPublicKeySpec(NamedParameterSpec.ED25519, new EdECPoint(odd, y))));
      signature.update(message);
      return signature.verify(signed.toArray());
    } catch (GeneralSecurityException _) {
      return false; // neither a key nor a signature
    }
  }

  @Override
  public String toString() {
    return "SigningKey[" + publicKey + "]";
  }
}
