package stasis.linux.bpf;

/// A vma as the kernel keeps it.
///
/// @param start first address @param end first address behind it
/// @param flags `vm_flags`, whose bits differ from version to version
public record KernelVma(long start, long end, long flags) {
  static KernelVma of(Row<VmaField> row) {
    return new KernelVma(row.unsigned(VmaField.START), row.unsigned(VmaField.END), row.unsigned(VmaField.FLAGS));
  }
}
