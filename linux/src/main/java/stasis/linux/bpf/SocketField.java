package stasis.linux.bpf;

import java.util.List;

/// What is read of each open file that is a socket (include/net/sock.h, inet_sock.h, linux/ipv6.h). Of other files the
/// same places hold something else; MAGIC tells them apart. So do protocols: what only one has is read of all.
enum SocketField implements KernelField {
  MAGIC(true, "f_inode->i_sb->s_magic"),
  INODE(true, "f_inode->i_ino"),
  ADDRESS(true, "private_data->(socket)sk"),
  FAMILY(true, "private_data->(socket)sk->__sk_common.skc_family"),
  PROTOCOL(true, "private_data->(socket)sk->sk_protocol"),
  SHARERS_PROGRAM(true, "private_data->(socket)sk->sk_reuseport_cb->prog"),
  POLICIES(false, "private_data->(socket)sk->sk_policy"),
  SHUTDOWN(true, "private_data->(socket)sk->sk_shutdown"),
  BUSY_POLL_BUDGET(false, "private_data->(socket)sk->sk_busy_poll_budget"),
  MULTICAST_INDEX(true, "private_data->(socket)sk->(inet_sock)mc_index"),
  MULTICAST_ADDRESS(true, "private_data->(socket)sk->(inet_sock)mc_addr"),
  STICKY_INFO(true, "private_data->(socket)sk->(inet_sock)pinet6->sticky_pktinfo"),
  FRAGMENT_BYTES(true, "private_data->(socket)sk->(inet_sock)pinet6->frag_size"),
  // Linux 6.17 has it in inet_sock.
  FLOW_LABELS(true, "private_data->(socket)sk->(inet_sock)ipv6_fl_list",
      "private_data->(socket)sk->(inet_sock)pinet6->ipv6_fl_list"),
  ANYCAST(true, "private_data->(socket)sk->(inet_sock)pinet6->ipv6_ac_list"),
  MD5_KEYS(false, "private_data->(socket)sk->(tcp_sock)md5sig_info"),
  AO_KEYS(false, "private_data->(socket)sk->(tcp_sock)ao_info"),
  USER_MSS(true, "private_data->(socket)sk->(tcp_sock)rx_opt.user_mss"),
  URGENT(true, "private_data->(socket)sk->(tcp_sock)urg_data"),
  URGENT_AT(true, "private_data->(socket)sk->(tcp_sock)urg_seq"),
  READ_TO(true, "private_data->(socket)sk->(tcp_sock)copied_seq"),
  URGENT_SENT_TO(true, "private_data->(socket)sk->(tcp_sock)snd_up"),
  ACKNOWLEDGED(true, "private_data->(socket)sk->(tcp_sock)snd_una"),
  SYN_DATA(true, "private_data->(socket)sk->(tcp_sock)syn_data");

  private final boolean required;
  @SuppressWarnings("ImmutableEnumChecker") // List.of() makes it so
  private final List<String> expressions;

  SocketField(boolean required, String... expressions) {
    this.required = required;
    this.expressions = List.of(expressions);
  }

  @Override
  public List<String> expressions() {
    return expressions;
  }

  @Override
  public boolean required() {
    return required;
  }
}
