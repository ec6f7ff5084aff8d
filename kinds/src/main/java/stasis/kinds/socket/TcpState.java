package stasis.kinds.socket;

/// States of a TCP socket (net/tcp_states.h), as TCP_INFO tells them.
public final class TcpState {
  public static final int ESTABLISHED = 1;
  public static final int SYN_SENT = 2;
  public static final int SYN_RECV = 3;
  public static final int FIN_WAIT1 = 4;
  public static final int FIN_WAIT2 = 5;
  public static final int TIME_WAIT = 6;
  public static final int CLOSE = 7;
  public static final int CLOSE_WAIT = 8;
  public static final int LAST_ACK = 9;
  public static final int LISTEN = 10;
  public static final int CLOSING = 11;

  private TcpState() {}

  /// Whether our FIN is behind the data to be sent.
  public static boolean hasSentFin(int state) {
    return state == FIN_WAIT1 || state == FIN_WAIT2 || state == CLOSING || state == LAST_ACK;
  }

  /// Whether that FIN still waits to be acknowledged, and so counts as a byte of the send queue.
  public static boolean hasFinQueued(int state) {
    return state == FIN_WAIT1 || state == CLOSING || state == LAST_ACK;
  }

  /// Whether the other end's FIN has come.
  public static boolean hasReceivedFin(int state) {
    return state == CLOSE_WAIT || state == CLOSING || state == LAST_ACK;
  }

  /// Whether such a socket may still be accepted.
  public static boolean isOpen(int state) {
    return state == ESTABLISHED || state == CLOSE_WAIT;
  }

  public static boolean isConnected(int state) {
    return state == ESTABLISHED || hasSentFin(state) || hasReceivedFin(state);
  }
}
