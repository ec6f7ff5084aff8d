package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// Programs nobody here wrote, frozen mid-work and brought back: their results are those of an uninterrupted run.
class ProgramsTest {
  /// For machines with much else to do.
  private static final Duration BOUND = Duration.ofMinutes(3);
  private static final String MARK = "@";

  /// @param arguments with `@` for the folder of inputs, which both runs share
  private record Work(String name, List<String> places, List<String> arguments) {}

  private static final List<Work> WORKS = List.of(
      work("xz", "/usr/bin/xz", "-9", "-k", "-c", "-T1", "@/input"),
      work("python3", "/usr/bin/python3.11 /usr/bin/python3.12 /usr/bin/python3.13 /usr/bin/python3", "@/pi.py"),
      work("perl", "/usr/bin/perl", "@/sum.pl"),
      work("cc1", "", "-quiet", "-O2", "@/large.c", "-o", "-"),
      work("sqlite3", "/usr/bin/sqlite3", "-batch", "work.db", "-init", "@/work.sql",
          "select count(*), sum(n) from t;"),
      work("java", System.getProperty("java.home") + "/bin/java", "-XX:TieredStopAtLevel=1", "-Xmx128m",
          "-XX:-UsePerfData", "@/Sum.java"),
      work("node", "/usr/bin/node /usr/local/bin/node", "@/sum.js"),
      // Trees.
      work("pipeline", "/bin/sh", "-c", "seq 1 6000000 | sort -rn | gzip -9 | md5sum"),
      work("make", "/usr/bin/make", "-s", "-j3", "-f", "@/Makefile", "SOURCES=@"),
      work("multiprocessing", "/usr/bin/python3", "@/queues.py"),
      work("redis-server", "/usr/bin/python3", "@/redis.py"),
      work("postgres", "/bin/sh", "@/pg.sh"),
      work("nginx", "/usr/bin/python3", "@/nginx.py"),
      work("memcached", "/usr/bin/python3", "@/memcached.py"),
      work("stress-ng", "/bin/sh", "@/stress.sh"),
      // Checks all it wrote by itself.
      work("fio", "/usr/bin/fio", "--name=x", "--ioengine=io_uring", "--iodepth=16", "--registerfiles=1",
          "--fixedbufs=1", "--nonvectored=1", "--rw=randwrite", "--bs=4k", "--size=40M", "--rate_iops=3000",
          "--verify=crc32c", "--verify_fatal=1", "--filename=work.dat", "--output=/dev/null"),
      work("nobody", "/bin/sh", "@/nobody.sh", "@"),
      work("cron", "/bin/sh", "@/cron.sh"));
  /// What the scripts among them start.
  private static final Map<String, List<String>> NEEDS = Map.of("redis-server", List.of("/usr/bin/redis-server"),
      "nginx", List.of("/usr/sbin/nginx"), "memcached", List.of("/usr/bin/memcached"),
      "stress-ng", List.of("/usr/bin/stress-ng"), "cron", List.of("/usr/bin/mcron"));
  private static final Path SERVERS = Path.of("src/test/resources/programs/servers");

  private static Work work(String name, String places, String... arguments) {
    return new Work(name, List.of(places.split(" ")), List.of(arguments));
  }

  @TestFactory
  Stream<DynamicTest> aProgramFinishesItsWorkAsIfNothingHadHappened(@TempDir Path folder) throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    var known = new KnownFailures();
    Path inputs = Files.createDirectories(folder.resolve("inputs"));
    writeInputs(inputs);
    String only = System.getProperty("stasis.live.programs", "");
    Stream<DynamicTest> found = WORKS.stream().filter(work -> work.name().contains(only))
        .map(work -> test(known, work.name(), () -> {
          Path program = program(work);
          String[] arguments =
              work.arguments().stream().map(a -> a.replace(MARK, inputs.toString())).toArray(String[]::new);
          carried(victims, Program.of(program, arguments), folder.resolve(work.name()));
        }));
    Stream<DynamicTest> openMp = Stream.of("openmp").filter(name -> name.contains(only)).map(name -> test(known, name,
        () -> carried(victims, victims.of(inputs.resolve("omp.c"), "-fopenmp"), folder.resolve(name))));
    return Stream.concat(found, openMp);
  }

  private static DynamicTest test(KnownFailures known, String name, org.junit.jupiter.api.function.Executable body) {
    return DynamicTest.dynamicTest(name, () -> known.run("program " + name, body));
  }

  private static Path program(Work work) throws IOException {
    var places = new ArrayList<>(work.places());
    for (String needed : NEEDS.getOrDefault(work.name(), List.of())) {
      assumeTrue(Files.isExecutable(Path.of(needed)), "needs " + needed);
    }
    assumeTrue(!work.name().equals("nobody") || "root".equals(System.getProperty("user.name")),
        "needs root to become nobody");
    assumeTrue(!work.name().equals("postgres") || Files.isDirectory(Path.of("/usr/lib/postgresql"))
        && "root".equals(System.getProperty("user.name")), "needs postgresql, and root to run it as its own user");
    if (work.name().equals("cc1") && Files.isDirectory(Path.of("/usr/lib/gcc"))) {
      try (Stream<Path> files = Files.find(Path.of("/usr/lib/gcc"), 4, (file, _) -> file.endsWith("cc1"))) {
        files.map(Path::toString).forEach(places::add);
      }
    }
    var found = places.stream().filter(place -> !place.isEmpty()).map(Path::of).filter(Files::isExecutable).findFirst();
    assumeTrue(found.isPresent(), "needs " + work.name());
    return found.orElseThrow();
  }

  /// Twice frozen: at a quarter of its time and after another.
  static void carried(Victims victims, Program program, Path folder) throws IOException {
    try (var cycle = new Cycle(victims, folder)) {
      long began = System.nanoTime();
      Victim uninterrupted = cycle.start(program);
      uninterrupted.verdict(BOUND);
      Ground.waitFor(() -> uninterrupted.exit().isPresent());
      long shareNs = (System.nanoTime() - began) / 4;
      assertThat(uninterrupted.exit()).as(uninterrupted.errors()).contains("exited 0");

      Victim victim = cycle.start(program);
      for (int round = 0; round < 2 && runsFor(victim, shareNs); round++) {
        Path image = cycle.newImage();
        // Stopped, so that two looks at it see the same.
        if (!StoppedTest.stop(victim)) {
          break;
        }
        // Only the first of them is stopped.
        String family = Cycle.tree(victim.pid()).size() > 1 ? "family" : "stopped";
        Path before = cycle.oracle().snapshot(victim.pid());
        CheckpointOutcome outcome = cycle.checkpoint(victim, image, false, _ -> { });
        if (!(outcome instanceof CheckpointOutcome.Stored)) {
          // On a busy machine it may have come to its end meanwhile.
          assertThat(victim.isAlive()).as(Cycle.text(outcome)).isFalse();
          break;
        }
        cycle.bury(victim);
        cycle.running(image);
        Cycle.awaitStop(victim, true);
        cycle.agree(before, cycle.oracle().snapshot(victim.pid()), "deleted", "stopped", family,
            folder.endsWith("fio") ? "uring" : family);
        StoppedTest.cont(victim);
      }
      assertThat(cycle.restores()).as("it ended before it could be frozen").isPositive();
      victim.verdict(BOUND);
      assertThat(victim.isAlive()).as("still running").isFalse();
      assertThat(victim.errors()).isEqualTo(uninterrupted.errors());
      assertThat(Files.mismatch(victim.folder().resolve("out"), uninterrupted.folder().resolve("out")))
          .as(start(victim.folder().resolve("out"))).isEqualTo(-1);
    }
  }

  private static String start(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      return new String(in.readNBytes(400), java.nio.charset.StandardCharsets.ISO_8859_1);
    }
  }

  private static boolean runsFor(Victim victim, long lengthNs) {
    long end = System.nanoTime() + lengthNs;
    while (System.nanoTime() < end && victim.isAlive()) {
      java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
    }
    return victim.isAlive();
  }

  private static void writeInputs(Path inputs) throws IOException {
    byte[] input = new byte[6 << 20];
    Random random = new Random(7);
    for (int i = 0; i < input.length; i++) {
      input[i] = (byte) "abcdefgh".charAt(random.nextInt(8));
    }
    Files.write(inputs.resolve("input"), input);
    try (Stream<Path> scripts = Files.list(SERVERS)) {
      for (Path script : scripts.toList()) {
        Files.copy(script, inputs.resolve(script.getFileName()));
      }
    }
    texts().forEach((name, text) -> {
      try {
        Files.writeString(inputs.resolve(name), text);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    });
    var c = new StringBuilder();
    for (int i = 0; i < 800; i++) {
      c.append("int f%1$d(int a,int b){int s=%1$d;for(int i=0;i<a;i++){if(i%%%2$d)s+=b*i;else s^=b>>i;}return s;}\n"
          .formatted(i, i % 7 + 2));
    }
    Files.writeString(inputs.resolve("large.c"), c);
  }

  private static Map<String, String> texts() {
    var texts = new TreeMap<String, String>();
    texts.put("pi.py", """
        def digits(count):
            q, r, t, k, n, l = 1, 0, 1, 1, 3, 3
            while count:
                if 4 * q + r - t < n * t:
                    yield n
                    count -= 1
                    q, r, n = 10 * q, 10 * (r - n * t), 10 * (3 * q + r) // t - 10 * n
                else:
                    q, r, t, k, n, l = (q * k, (2 * q + r) * l, t * l, k + 1,
                                        (q * (7 * k + 2) + r * l) // (t * l), l + 2)
        for digit in digits(4500):
            print(digit, end="", flush=True)
        """);
    texts.put("sum.pl", """
        my %h; my $x = 1;
        for my $i (1 .. 9000000) { $x = ($x * 1103515245 + 12345) % 2147483648; $h{$x % 5000} += $i }
        print "$_ $h{$_}\\n" for sort { $a <=> $b } keys %h;
        """);
    texts.put("work.sql", """
        create table t(n integer);
        with recursive c(i) as (select 1 union all select i + 1 from c where i < 3000000)
        insert into t select i * 7 % 1000003 from c;
        create index tn on t(n);
        """);
    trees(texts);
    compiled(texts);
    return texts;
  }

  private static void trees(Map<String, String> texts) {
    texts.put("Makefile", """
        all: 1.o 2.o 3.o 4.o 5.o
        \tcat $^ | md5sum
        %.o:
        \tgcc -O1 -DN=$* -c $(SOURCES)/large.c -o $@
        """);
    texts.put("queues.py", """
        import multiprocessing as mp

        def work(q, out, lock, count):
            for x in iter(q.get, None):
                with lock:
                    count[0] += 1
                out.put((x, sum(i * i % 7 for i in range(x * 400))))

        if __name__ == '__main__':
            mp.set_start_method('fork')
            q, out, lock, count = mp.Queue(), mp.Queue(), mp.Lock(), mp.Array('i', 1)
            workers = [mp.Process(target=work, args=(q, out, lock, count)) for _ in range(3)]
            for w in workers: w.start()
            for i in range(600): q.put(i)
            for w in workers: q.put(None)
            found = sorted(out.get() for _ in range(600))
            for w in workers: w.join()
            print(count[0], sum(s for _, s in found), [w.exitcode for w in workers])
        """);
    servers(texts);
  }

  private static void servers(Map<String, String> texts) {
    texts.put("pg.sh", """
        B=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
        export PGDATA=$PWD/data PGUSER=postgres PGHOST=$(mktemp -d /tmp/stasis-pg.XXXXXX)
        d=$PWD; while [ "$d" != / ]; do chmod a+x "$d"; d=$(dirname "$d"); done
        chown postgres . "$PGHOST"
        as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
        as "$B/initdb" -A trust > initdb.log 2>&1
        as "$B/postgres" -c listen_addresses= -c log_checkpoints=off \\
            -c unix_socket_directories="$PGHOST" > server.log 2>&1 &
        for i in $(seq 200); do "$B/psql" -c 'select 1' > ready.log 2>&1 && break; sleep 0.1; done
        "$B/pgbench" -i -q > init.log 2>&1
        "$B/pgbench" -c 4 -t 2500 > bench.log 2>&1
        echo "bench $?"
        "$B/psql" -At -c 'select (select sum(abalance) from pgbench_accounts) = (select sum(bbalance)
            from pgbench_branches), (select count(*) from pgbench_history)'
        kill -INT "$(head -n 1 data/postmaster.pid)"
        wait $!
        echo "server $?"
        rm -r "$PGHOST"
        """);
    texts.put("redis.py", """
        import os, socket, subprocess, time
        probe = socket.socket(); probe.bind(('127.0.0.1', 0)); port = probe.getsockname()[1]; probe.close()
        server = subprocess.Popen(['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--appendonly', 'yes',
                                   '--save', ''], stdout=subprocess.DEVNULL)
        def connect():
            for _ in range(400):
                try: return socket.create_connection(('127.0.0.1', port))
                except OSError: time.sleep(0.05)
        clients = [connect() for _ in range(20)]
        files = [c.makefile('rb') for c in clients]
        expected = 0
        for _ in range(16000):
            for c in clients: c.sendall(b'INCR n\\r\\n')
            seen = sorted(int(f.readline()[1:]) for f in files)
            assert seen == list(range(expected + 1, expected + 21)), seen
            expected += 20
        clients[0].sendall(b'SHUTDOWN NOSAVE\\r\\n')
        print('counted', expected, 'server', server.wait())
        """);
  }

  private static void compiled(Map<String, String> texts) {
    texts.put("Sum.java", """
        public class Sum {
          public static void main(String[] a) throws Exception {
            long[] sums = new long[4];
            Thread[] threads = new Thread[4];
            for (int t = 0; t < 4; t++) {
              int n = t;
              threads[t] = new Thread(() -> {
                long x = n + 1;
                for (int i = 0; i < 300_000_000; i++) { x ^= x << 13; x ^= x >>> 7; x ^= x << 17; sums[n] += x; }
              });
              threads[t].start();
            }
            for (Thread thread : threads) { thread.join(); }
            System.out.println(java.util.Arrays.toString(sums));
          }
        }
        """);
    texts.put("sum.js", """
        let x = 1, m = new Map();
        for (let i = 0; i < 40000000; i++) {
          x = (x * 48271) % 2147483647; m.set(x % 1000, (m.get(x % 1000) || 0) + i);
        }
        console.log([...m].sort((a, b) => a[0] - b[0]).join(";"));
        """);
    texts.put("omp.c", """
        #include <stdio.h>
        int main(void) {
          double sum = 0;
        #pragma omp parallel for num_threads(4) reduction(+:sum) schedule(dynamic, 1000000)
          for (long i = 1; i < 600000000; i++) sum += (double)(i % 1024) * 0.5;
          printf("%.1f\\n", sum);
          return 0;
        }
        """);
  }
}
