package stasis.linux.bpf;

/// A vma as the kernel keeps it.
///
/// @param start first address @param end first address behind it
/// @param flags `vm_flags`, whose bits differ from version to version
/// @param mayHavePolicy whether it has a memory policy, or its file may have one for it (mm/mempolicy.c,
///     __get_vma_policy())
public record KernelVma(long start, long end, long flags, boolean mayHavePolicy) {
  static KernelVma of(Row<VmaField> row) {
    return new KernelVma(row.unsigned(VmaField.START), row.unsigned(VmaField.END), row.unsigned(VmaField.FLAGS),
        has(row, VmaField.POLICY) || has(row, VmaField.GET_POLICY));
  }

  private static boolean has(Row<VmaField> row, VmaField pointer) {
    return row.has(pointer) && row.unsigned(pointer) != 0;
  }
}
