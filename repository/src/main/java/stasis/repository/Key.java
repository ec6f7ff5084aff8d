package stasis.repository;

import stasis.linux.abi.Bytes;

/// What closes an image, opens it, or both.
public sealed interface Key {
  /// Length of X25519 keys (RFC 7748), in bytes.
  int X25519_BYTES = 32;
  /// What a key file must have at least; less can be tried through.
  int MIN_KEY_FILE_BYTES = 16;

  /// Whoever has the same bytes can open it. @param content of a file of random bytes
  record KeyFile(Bytes content) implements Key {
    public KeyFile {
      if (content.length() < MIN_KEY_FILE_BYTES) {
        throw new IllegalArgumentException("a key file has " + MIN_KEY_FILE_BYTES + " bytes at least");
      }
    }

    @Override
    public String toString() {
      return "KeyFile";
    }
  }

  /// Whoever knows it can open it.
  record Passphrase(String text) implements Key {
    public Passphrase {
      if (text.isEmpty()) {
        throw new IllegalArgumentException("a passphrase is not empty");
      }
    }

    @Override
    public String toString() {
      return "Passphrase";
    }
  }

  /// Closes for somebody, who alone can open it. @param publicKey X25519
  record Recipient(Bytes publicKey) implements Key {
    public Recipient {
      if (publicKey.length() != X25519_BYTES) {
        throw new IllegalArgumentException("a recipient has " + X25519_BYTES + " bytes");
      }
    }
  }

  /// Opens what was closed for the recipient that goes with it. @param privateKey X25519
  record Identity(Bytes privateKey, Bytes publicKey) implements Key {
    public Identity {
      if (privateKey.length() != X25519_BYTES || publicKey.length() != X25519_BYTES) {
        throw new IllegalArgumentException("an identity has two keys of " + X25519_BYTES + " bytes");
      }
    }

    public Recipient recipient() {
      return new Recipient(publicKey);
    }

    @Override
    public String toString() {
      return "Identity[" + publicKey + "]";
    }
  }
}
