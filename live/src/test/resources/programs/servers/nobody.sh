# A tree of a user without any rights: a pipeline, and Python's worker processes with queues and shared memory.
inputs=$1
d=$inputs; while [ "$d" != / ]; do chmod a+x "$d"; d=$(dirname "$d"); done
chmod a+r "$inputs"/*
d=$PWD; while [ "$d" != / ]; do chmod a+x "$d"; d=$(dirname "$d"); done
as() { setpriv --reuid=nobody --regid=nogroup --clear-groups --bounding-set=-all --no-new-privs "$@"; }
(as sh -c 'seq 1 3000000 | sort -rn -T /tmp | gzip -9 | md5sum'
as python3 "$inputs/queues.py"
as id -un) > results
cat results
