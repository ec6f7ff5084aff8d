package stasis.cli.start;

import stasis.linux.abi.Bytes;

/// The machine code a start-up image begins with, for x86-64: it runs a list of calls, bears the threads, and becomes
/// the first of them; where anything is not as expected it becomes the ordinary command. Listed and explained in
/// docs/designs/warm-start.md; a test assembles that listing and compares the bytes with these.
final class StartCode {
  /// Where it lies, behind the ELF headers, and where its words do: addresses, both in the code.
  static final long BASE = 0x200000;
  static final int OFFSET = 0x200;
  static final long DATA = 0x201000;

  /// Words of the data area, as offsets.
  static final int FIRST = 0;
  static final int COUNT = 8;
  static final int THREADS = 16;
  static final int THREAD_COUNT = 24;
  static final int FRAME = 32;
  static final int COLD = 40;
  static final int EXTRA = 48;
  static final int MASK = 56;
  static final int VDSO = 64;
  static final int WORDS_BYTES = 128;

  static final Bytes CODE = Bytes.hex("""
      488b0424488d7424084889342548102000488d54c6084889142550102000488b024883c2084885c075f4488b024885c0\
      0f84590100004883f82174064883c210ebe8488b42084889042540102000488b1c25001020004c8b2425081020004c8d\
      3502000000eb6c4d85e40f851f010000488b1c25101020004c8b2425181020004d85e4743fb838000000bf000f3d0148\
      8b7310488b53084989d24c8b030f054885c00f88e700000074094883c32849ffccebcd4c8b6320488b5b184c8d350a00\
      0000eb0f488b242520102000b80f0000000f05fc4d85e40f84af0000000fb76b06488d730885ed742289e883e0037412\
      488b3e83f80174048b3feb03488b3f48893e4883c608c1ed02ebda488b7b08488b7310488b53184c8b53204c8b43284c\
      8b4b304c8b6b380fb66b0483fd02743f775485ed75308b030f05488943380fb64b0585c9741483f902740a483d01f0ff\
      ff7339eb054c39e875324883c34049ffcce96effffff4889d1f3a431c0ebcb4889d139c0f3a6b80000000074bd48c7c0\
      ffffffffebb4488d0437ebae41ffe6b80e000000bf02000000488d34253810200031d241ba080000000f05488b342550\
      10200031c948833cce00488d490175f5488d04cd080000004829c44883e4f0fc4889e7488b04253010200048abf348a5\
      b83b000000488b3c2528102000488b3425481020004889e20f05bf7d000000b8e70000000f05""");

  private StartCode() {}
}
