# Sourced by bin/stasis and bin/check: finds a Java runtime of version 25 or newer. POSIX sh; starts no process unless
# it has to look at `java` on the PATH. Reading `release` files instead of running `java -version` saves 40 ms.

minimum_java=25
jvm_directory=${STASIS_JVM_DIRECTORY:-/usr/lib/jvm}

# read_release HOME: sets java_major, java_rank (orders versions), java_build (names the exact JVM), java_arch; fails
# where there is no runnable java or no readable release file.
read_release() {
  java_major=0 java_rank=0 java_build='' java_arch=''
  [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
  while IFS='=' read -r key value || [ -n "$key" ]; do
    value=${value#\"}
    value=${value%\"}
    case $key in
      JAVA_VERSION) version=$value ;;
      JAVA_RUNTIME_VERSION) java_build=$value ;;
      IMPLEMENTOR) implementor=$value ;;
      OS_ARCH) java_arch=$value ;;
    esac
  done < "$1/release"
  [ -n "${version:-}" ] || return 1
  java_build="${implementor:-unknown} ${java_build:-$version}"
  rank_version "$version"
}

# rank_version 25.0.3 -> java_major=25, java_rank=25000003. Early-access suffixes ("26-ea") are ignored.
rank_version() {
  java_rank=0
  rest=$1
  for _ in 1 2 3; do
    number=${rest%%[!0-9]*}
    java_rank=$((java_rank * 1000 + ${number:-0}))
    case $rest in
      *.*) rest=${rest#*.} ;;
      *) rest='' ;;
    esac
  done
  java_major=$((java_rank / 1000000))
}

# usable HOME: a runtime that is new enough.
usable() {
  read_release "$1" && [ "$java_major" -ge "$minimum_java" ]
}

# find_java BUNDLED: sets java_home and the variables of read_release. On failure says why in one sentence and fails.
find_java() {
  if [ -n "${STASIS_JAVA_HOME:-}" ]; then
    java_home=$STASIS_JAVA_HOME
    usable "$java_home" && return 0
    echo "stasis: STASIS_JAVA_HOME is $java_home, which is not a JDK $minimum_java or newer; correct or unset it." >&2
    return 1
  fi
  for java_home in "$1" "${JAVA_HOME:-}"; do
    [ -n "$java_home" ] && usable "$java_home" && return 0
  done
  newest='' newest_rank=0
  for java_home in "$jvm_directory"/*; do
    if usable "$java_home" && [ "$java_rank" -gt "$newest_rank" ]; then
      newest=$java_home newest_rank=$java_rank
    fi
  done
  if [ -n "$newest" ]; then
    java_home=$newest
    usable "$java_home"
    return
  fi
  if on_path=$(command -v java) && on_path=$(readlink -f "$on_path"); then
    java_home=${on_path%/bin/java}
    usable "$java_home" && return 0
  fi
  echo "stasis: no JDK $minimum_java or newer found (looked at STASIS_JAVA_HOME, JAVA_HOME, $jvm_directory and PATH);" \
    "install one, for example Temurin $minimum_java, or set STASIS_JAVA_HOME." >&2
  return 1
}
