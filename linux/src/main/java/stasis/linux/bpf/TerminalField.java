package stasis.linux.bpf;

import java.util.List;

/// What is read of each open file that is the master of a pseudoterminal (include/linux/tty.h). Of other files the same
/// places hold something else; DEVICE tells them apart.
enum TerminalField implements KernelField {
  DEVICE("f_inode->i_rdev"),
  MASTER("private_data->(tty_file_private)tty"),
  NUMBER("private_data->(tty_file_private)tty->index"),
  MASTER_QUEUE("private_data->(tty_file_private)tty->disc_data"),
  MASTER_PORT("private_data->(tty_file_private)tty->port"),
  MASTER_DISCIPLINE("private_data->(tty_file_private)tty->ldisc->ops->num"),
  SLAVE_QUEUE("private_data->(tty_file_private)tty->link->disc_data"),
  SLAVE_PORT("private_data->(tty_file_private)tty->link->port"),
  SLAVE_DISCIPLINE("private_data->(tty_file_private)tty->link->ldisc->ops->num"),
  STOPPED("private_data->(tty_file_private)tty->link->flow.stopped"),
  STOPPED_BY_CALL("private_data->(tty_file_private)tty->link->flow.tco_stopped");

  @SuppressWarnings("ImmutableEnumChecker") // List.of() makes it so
  private final List<String> expressions;

  TerminalField(String expression) {
    expressions = List.of(expression);
  }

  @Override
  public List<String> expressions() {
    return expressions;
  }
}
