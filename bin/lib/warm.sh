# Sourced by bin/stasis: starts from a memory image of an engine that is warm, where there is one, and has one made:
# docs/designs/warm-start.md. POSIX sh; using one starts no process, `exec` becomes it.

# locate_warm: sets warm_folder and warm_file, or both empty. One for each boot, JVM, build and user.
locate_warm() {
  warm_folder='' warm_file=''
  # Options of one's own are for the JVM that starts with them.
  [ "${STASIS_WARM:-}" != never ] && [ "${STASIS_AOT:-}" != never ] && [ -z "${STASIS_JAVA_OPTIONS:-}" ] || return 0
  [ "$java_arch" = x86_64 ] || [ "$java_arch" = amd64 ] || return 0
  case $java_build in */*) return 0 ;; esac
  { IFS= read -r boot < /proc/sys/kernel/random/boot_id; } 2> /dev/null || return 0
  if [ -w "$app" ]; then
    warm_folder=$app/start
  else
    # Beside the user's other caches, under the whole name of the build's folder.
    rest=${app#/} flat=''
    while :; do
      case $rest in
        */*) flat=$flat${rest%%/*}% rest=${rest#*/} ;;
        *) break ;;
      esac
    done
    warm_folder=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/stasis/start-$flat$rest
  fi
  warm_file="$warm_folder/$boot $java_build"
}

# ours FILE: it is no link, and its owner is who asks.
ours() {
  # shellcheck disable=SC3067 # a shell without -O starts the ordinary way
  ! [ -h "$1" ] && [ -O "$1" ]
}

# become_warm WORDS: becomes the engine in the image. Returns where there is none that may be used; the image itself
# becomes the ordinary command where it finds that something is not as it was.
become_warm() {
  [ "${STASIS_WARM:-}" != again ] || return 0
  [ -n "$warm_file" ] && [ -s "$warm_file" ] && [ -x "$warm_file" ] || return 0
  ours "$warm_folder" && ours "$warm_file" && fresh "$warm_file" || return 0
  # Both were last written at the same moment, or somebody has written to it since.
  [ -f "$warm_file.stamp" ] || return 0
  [ "$warm_file" -nt "$warm_file.stamp" ] || [ "$warm_file" -ot "$warm_file.stamp" ] && return 0
  for word in "$@"; do
    # What `PlainLine` reads; anything else would start twice.
    case $word in
      --image | --image=* | --repo | --repo=* | --name | --name=* | --max-freeze | --max-freeze=*) ;;
      --leave-running | --strict | --force | --track | --pre-copy | --pre-copy=* | --detach | --lazy | --dry-run) ;;
      --pidfile | --pidfile=* | --json | --json=* | --quiet | -q | --verbose | -v) ;;
      -*) return 0 ;;
    esac
  done
  become exec "$warm_file" "$@"
}

# forget_warm: where an image became this command because the sources are not as they were, it is of no use any more.
forget_warm() {
  [ "${STASIS_WARM:-}" = again ] && [ -n "$warm_file" ] && ours "$warm_folder" && rm -f "$warm_file"
  return 0
}

# make_warm: has the image made, beside and after this command, once for each boot. A failure leaves an empty file: not
# tried again until the jars change or the machine starts anew. Never a reason to fail.
make_warm() {
  [ -n "$warm_file" ] && ! fresh "$warm_file" || return 0
  command -v flock > /dev/null && command -v setsid > /dev/null || return 0
  mkdir -p "${warm_folder%/*}" && { [ -d "$warm_folder" ] || mkdir -m 700 "$warm_folder"; } || return 0
  ours "$warm_folder" || return 0
  # Nobody's child, in a session of its own, with nothing open: neither who waits for this command nor who stops it has
  # to do with it.
  {
    (make_warm_alone &)
  } < /dev/null > /dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}

make_warm_alone() {
  umask 077
  exec 9> "$warm_folder/lock"
  flock -n 9 && ! fresh "$warm_file" || exit 0
  # Of earlier boots and builds.
  rm -rf "$warm_folder"/*" $java_build" "$warm_folder"/*" $java_build".* "$warm_folder"/.making*
  beside='setsid nice'
  (launch -XX:TieredStopAtLevel=1 --illegal-native-access=deny --module-path "$modules" \
    -m stasis.cli/stasis.cli.Main warm "$warm_file" > "$warm_folder/log" 2>&1)
  [ -s "$warm_file" ] || : > "$warm_file"
}
