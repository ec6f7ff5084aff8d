# A database with a client in the middle of a transaction; prints "ready" and waits.
B=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
export PGDATA=$PWD/data PGUSER=postgres PGHOST=$PWD
d=$PWD; while [ "$d" != / ]; do chmod a+x "$d"; d=$(dirname "$d"); done
chown postgres .
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
as "$B/initdb" -N -A trust > initdb.log 2>&1
as "$B/postgres" -c listen_addresses= -c unix_socket_directories="$PGHOST" -c fsync=off > server.log 2>&1 &
for i in $(seq 200); do "$B/psql" -c 'select 1' > ready.log 2>&1 && break; sleep 0.1; done
"$B/psql" -qAt -c "begin" -c "create table t (v text)" -c "insert into t values (upper('needle-in-a-table') || $1)" \
  -c "\\echo ready 0" -c "select pg_sleep(600)" &
wait
