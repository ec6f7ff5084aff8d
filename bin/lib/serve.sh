# Sourced by bin/stasis: has a resident engine do the command, where one is there: docs/designs/serve.md. POSIX sh, and
# no process is started: a builtin takes a line, two FIFOs that the server has open already.

# ask_server WORDS: exits with the command's status; returns where the command is to run by itself.
ask_server() {
  [ "${STASIS_SERVE:-}" = never ] && return
  if [ -n "${STASIS_SERVE_DIRECTORY:-}" ]; then
    doorway=$STASIS_SERVE_DIRECTORY
  elif [ -w /run ]; then
    doorway=/run/stasis
  else
    doorway=${XDG_RUNTIME_DIR:-/nonexistent}/stasis
  fi
  # shellcheck disable=SC3067 # a shell without -O asks nobody
  [ -S "$doorway/serve.sock" ] && [ -O "$doorway" ] || return
  line=''
  for say in "$doorway"/*.say; do
    # Only one of those who try makes the file: O_EXCL.
    set -C
    if true > "${say%.say}.taken"; then
      line=${say%.say}
    fi 2> /dev/null
    set +C
    [ -n "$line" ] && break
  done
  [ -n "$line" ] || return
  words="$*"
  [ "${#words}" -lt 4000 ] || return
  caught=''
  # Opened for both, a FIFO needs nobody at its other end; the end that answers are read from is then opened alone, so
  # that the end of the server is its end of file. The server takes copies of 4, 5 and 6: builtins that are redirected
  # move 0 and 1. One that is closed is a reason to run by itself, without a word.
  { { converse "$@"; } 8<> "$line.ask" 7<> "$line.say" 4<&0 5>&1 6>&3; } 3>&2 2> /dev/null
  [ -z "$caught" ] || kill -s "$caught" $$
}

# converse WORDS: on fd 8. Returns where the command is to run by itself.
converse() {
  signalled='' begun=''
  command exec 9< "$line.say" 7<&- || return
  # shellcheck disable=SC2064 # now
  for signal in 'HUP 1' 'INT 2' 'QUIT 3' 'ALRM 14' 'TERM 15' 'CONT 18' 'TSTP 20' 'WINCH 28'; do
    trap "relay $signal" "${signal% *}"
  done
  printf 'stasis 1\npid %s\nroot %s\nwords %s\n' "$$" "$root" "$#" >&8
  printf '%s\n' "$@" go >&8
  while :; do
    if IFS= read -r reply <&9; then
      case $reply in
        begun) begun=1 ;;
        'exit '*) exit "${reply#exit }" ;;
        *) break ;;
      esac
    elif [ -n "$signalled" ]; then
      signalled=''
    else
      # The server is gone. What it had begun has ended as that of a command that is killed.
      [ -z "$begun" ] && break
      echo "stasis: the server was ended; a program that was not restored yet, or still to be ended, is as before" >&6
      exit 137
    fi
  done
  trap - HUP INT QUIT ALRM TERM CONT TSTP WINCH
  exec 9<&-
}

# relay NAME NUMBER: a signal of ours is one for the command.
relay() {
  signalled=1
  case $1 in HUP | INT | TERM) caught=$1 ;; esac
  echo "signal $2" >&8
}
