#!/usr/bin/python3
"""A private RabbitMQ, ZooKeeper and PostgreSQL for tests and for trying Elves out.

All listen on free loopback ports, keep everything in a folder of their own and never touch a server
of the system.  A watcher process ends them even when we are killed.

As a module, one server that a test may stop, start and kill (same ports, same data):

    with Broker() as broker:
        connect("127.0.0.1", broker.port, broker.user, broker.password)
        broker.kill(); broker.start()

As a program:

    with-services CMD ARGS...           all three around a command
    services.py ctl broker|zookeeper|postgres stop|start|kill|port
                                        below with-services: acts on its servers
    services.py run --dir DIR [--user U --password-file FILE] [--only broker|zookeeper]
                                        broker and ZooKeeper, or one, in the foreground; DIR/services.env appears
                                        when they are ready; ends with SIGTERM
"""

import argparse
import atexit
import contextlib
import fcntl
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HOST = "127.0.0.1"
START_TIMEOUT = 120.0  # s; a cold RabbitMQ takes 5 s alone, 30 s on a busy machine
STOP_TIMEOUT = 30.0  # s, then KILL
RABBITMQ_SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one in /usr/sbin changes the user
ZOOKEEPER_JAR = "/usr/share/java/zookeeper.jar"
POSTGRES_BIN = "/usr/lib/postgresql/*/bin"


class ServiceError(Exception):
    """A server cannot be started; the text says which, why, and where its log is."""


class Port:
    """A loopback port nobody listens on, locked against other test runs until released."""

    FIRST, LAST = 20000, 31999  # below Linux' range for outgoing connections

    def __init__(self):
        folder = os.path.join(tempfile.gettempdir(), "elves-test-ports-%d" % os.getuid())
        os.makedirs(folder, mode=0o700, exist_ok=True)
        span = self.LAST - self.FIRST + 1
        first = os.getpid() * 7 % span
        for step in range(span):
            number = self.FIRST + (first + step) % span
            lock = os.open(os.path.join(folder, str(number)), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if port_is_free(number):
                    self.number, self._lock = number, lock
                    return
            except BlockingIOError:
                pass
            os.close(lock)
        raise ServiceError("no free loopback port")

    def release(self):
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None


def port_is_free(number):
    for host in (HOST, ""):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, number))
            except OSError:
                return False
    return True


class Watcher:
    """A child that ends our process groups and removes our folders once we are gone, however we go.

    It learns of our end by the end of its standard input, whose only writer we are."""

    _instance = None
    _instance_lock = threading.Lock()

    @classmethod
    def get(cls):
        with cls._instance_lock:
            if cls._instance is None or cls._instance._owner != os.getpid():
                cls._instance = cls()
            return cls._instance

    def __init__(self):
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "watch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        atexit.register(self._close)

    def tell(self, verb, what):
        with self._lock:
            self._process.stdin.write(("%s %s\n" % (verb, what)).encode())
            self._process.stdin.flush()

    def _close(self):
        if self._owner == os.getpid():
            self._process.stdin.close()
            self._process.wait()


def watch():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups, folders = [], []
    for line in sys.stdin:
        verb, what = line.rstrip("\n").split(" ", 1)
        {
            "group": lambda: groups.append(int(what)),
            "group-ended": lambda: groups.remove(int(what)),
            "folder": lambda: folders.append(what),
        }[verb]()
    for group in groups:
        kill_group(group, signal.SIGKILL)
    for folder in folders:
        remove_folder(folder)


def kill_group(group, number):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def remove_folder(folder):
    for _ in range(20):  # a process that was just killed may still be writing
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(0.1)


class Group(subprocess.Popen):
    """A process that leads a group of its own, which ends with it and with us.

    What is left of the group is killed when the end of the process is first seen: later its number
    may be somebody else's."""

    def __init__(self, argv, **options):
        self._seen = False
        super().__init__(argv, start_new_session=True, **options)
        Watcher.get().tell("group", self.pid)

    def poll(self):
        return self._note(super().poll())

    def wait(self, timeout=None):
        return self._note(super().wait(timeout))

    def kill(self):
        if self.poll() is None:
            kill_group(self.pid, signal.SIGKILL)

    def _note(self, status):
        if status is not None and not self._seen:
            self._seen = True
            kill_group(self.pid, signal.SIGKILL)
            Watcher.get().tell("group-ended", self.pid)
        return status


class Server:
    """What all servers share: a folder, a log, process groups, start, stop, kill."""

    name = None
    stop_signal = signal.SIGTERM

    def __init__(self, folder=None):
        """folder: kept afterwards when given, else a temporary one that is removed by close()."""
        self._temporary = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="elves-%s-" % self.name)
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        if self._temporary:
            Watcher.get().tell("folder", self.folder)
        self.log = os.path.join(self.folder, self.name + ".log")
        self._ports = []
        self._processes = []  # in starting order
        self._processes_lock = threading.Lock()
        self._given_up = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def running(self):
        return bool(self._processes) and all(p.poll() is None for p in self._processes)

    def start(self):
        """Starts the server and returns when it answers."""
        if self.running:
            return self
        self.kill()
        self._check_installed()
        first = not self._ports
        for attempt in (1, 2, 3):
            if not self._ports:
                self._ports = [Port() for _ in range(self.port_count)]
            try:
                self._launch()
                self._wait_until_ready()
                return self
            except ServiceError:
                # Somebody of another user may have taken a port between the check and the start.
                self.kill()
                if not first or attempt == 3 or self._given_up:
                    raise
                self._release_ports()

    def stop(self):
        """An orderly end, as an administrator would do it."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._stop_pid(), self.stop_signal)
            deadline = time.monotonic() + STOP_TIMEOUT
            while self._processes[-1].poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
        self.kill()

    def kill(self):
        """SIGKILL to all of it: what a power cut leaves."""
        with self._processes_lock:
            processes, self._processes = self._processes, []
        for process in reversed(processes):
            process.kill()
            process.wait()

    def give_up(self):
        """From another thread: a start that is under way fails, and starts no further process."""
        with self._processes_lock:
            self._given_up = True

    def close(self):
        self.kill()
        self._release_ports()
        if self._temporary:
            remove_folder(self.folder)

    @property
    def port(self):
        return self._ports[0].number

    def _release_ports(self):
        for port in self._ports:
            port.release()
        self._ports = []

    def _stop_pid(self):
        return self._processes[-1].pid

    def _spawn(self, argv, environment, **options):
        with self._processes_lock, open(self.log, "ab") as log:
            if self._given_up:
                raise ServiceError("%s: given up while starting" % self.name)
            process = Group(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self.folder, **options
            )
            self._processes.append(process)

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._given_up:
                raise ServiceError("%s: given up while starting" % self.name)
            if not self.running:
                raise ServiceError("%s ended while starting: %s" % (self.name, self._log_tail()))
            with contextlib.suppress(OSError):
                with socket.create_connection((HOST, self.port), timeout=2) as connection:
                    connection.sendall(self.hello)
                    if self._is_ready(connection.recv(64)):
                        return
            time.sleep(0.05)
        raise ServiceError(
            "%s does not answer after %d s: %s" % (self.name, START_TIMEOUT, self._log_tail())
        )

    def _log_tail(self):
        with contextlib.suppress(OSError):
            with open(self.log, errors="replace") as log:
                return "%s\n%s" % (self.log, "".join(log.readlines()[-20:]))
        return "no log"

    def _require(self, path, package):
        if not os.path.exists(path):
            raise ServiceError("%s is missing (Debian: %s)" % (path, package))

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        return path


class Broker(Server):
    """RabbitMQ with one user; the default, root with password root, is the one of the first Elves
    configuration and only good for a broker that lives as long as a test."""

    name = "rabbitmq"
    port_count = 3  # AMQP, Erlang distribution, epmd
    hello = b"AMQP\x00\x00\x09\x01"

    def __init__(self, folder=None, user="root", password="root", config=""):
        """config: more lines for rabbitmq.conf"""
        super().__init__(folder)
        self.user, self.password, self._config = user, password, config

    def _check_installed(self):
        self._require(RABBITMQ_SERVER, "rabbitmq-server")

    def _launch(self):
        amqp, distribution, epmd = (port.number for port in self._ports)
        config = self._write(
            "rabbitmq.conf",
            "listeners.tcp.1 = %s:%d\n" % (HOST, amqp)
            + "default_user = %s\ndefault_pass = %s\n" % (self.user, self.password)
            + "default_user_tags.administrator = true\n"
            + "disk_free_limit.absolute = 50MB\nlog.file = false\nlog.console = true\n"
            + "log.console.level = info\n" + self._config,
        )
        plugins = self._write("enabled_plugins", "[].\n")
        environment = base_environment(self.folder)
        environment.update(
            ERL_EPMD_PORT=str(epmd),
            ERL_EPMD_ADDRESS=HOST,
            RABBITMQ_NODENAME="elves@localhost",  # known to our own epmd only
            RABBITMQ_DIST_PORT=str(distribution),
            RABBITMQ_MNESIA_BASE=os.path.join(self.folder, "data"),
            RABBITMQ_LOG_BASE=os.path.join(self.folder, "log"),
            RABBITMQ_CONFIG_FILE=config,
            RABBITMQ_ENABLED_PLUGINS_FILE=plugins,
            RABBITMQ_PID_FILE=os.path.join(self.folder, "pid"),
            RABBITMQ_CONF_ENV_FILE="/dev/null",
            ERL_ZFLAGS="-start_epmd false",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        )
        # Our own, below us: each Erlang would start one as a daemon, which nobody ends (ERL_ZFLAGS).
        self._spawn(["epmd"], environment)
        self._spawn([RABBITMQ_SERVER], environment)

    def _is_ready(self, answer):
        return answer[:1] == b"\x01" and answer[7:11] == b"\x00\x0a\x00\x0a"  # Connection.Start

    def _stop_pid(self):
        # The script in front would start a second Erlang for the same, seconds later.
        with open(os.path.join(self.folder, "pid")) as file:
            return int(file.read())


class ZooKeeper(Server):
    """One ZooKeeper server; sessions of 1 s to 60 s."""

    name = "zookeeper"
    port_count = 1
    hello = b"ruok"

    def _check_installed(self):
        self._require("/usr/bin/java", "default-jre-headless")
        self._require(ZOOKEEPER_JAR, "libzookeeper-java")

    def _launch(self):
        config = self._write(
            "zoo.cfg",
            "tickTime=500\nminSessionTimeout=1000\nmaxSessionTimeout=60000\n"
            "clientPortAddress=%s\nclientPort=%d\n" % (HOST, self.port)
            + "dataDir=%s\n" % os.path.join(self.folder, "data")
            + "admin.enableServer=false\n4lw.commands.whitelist=ruok,srvr,cons,dump\n"
            "maxClientCnxns=0\n",
        )
        self._spawn(
            ["/usr/bin/java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
            + ["-XX:-UsePerfData", "-cp", ZOOKEEPER_JAR]
            + ["org.apache.zookeeper.server.ZooKeeperServerMain", config],
            base_environment(self.folder),
        )

    def _is_ready(self, answer):
        return answer == b"imok"


class Postgres(Server):
    """One PostgreSQL server that writes to disk as a real one does.

    It refuses to run as root: then it runs as the user of Debian's package, or as nobody, in a
    temporary folder of that user's."""

    name = "postgresql"
    port_count = 1
    stop_signal = signal.SIGINT  # without waiting for its clients
    user, password = "elves", "elves-test"

    def __init__(self):
        super().__init__()
        self._as_user = {}
        if os.getuid() == 0:
            account = unprivileged_account()
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    @property
    def hello(self):
        words = ("user", self.user, "database", "postgres", "")
        body = b"\0\3\0\0" + b"".join(word.encode() + b"\0" for word in words)
        return (len(body) + 4).to_bytes(4, "big") + body

    def url(self, database="postgres"):
        return "postgresql://%s:%s@%s:%d/%s" % (self.user, self.password, HOST, self.port, database)

    def create(self, database):
        """Makes an empty database; returns its URL."""
        self.ask('CREATE DATABASE "%s"' % database)
        return self.url(database)

    def drop(self, database):
        self.ask('DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % database)

    def ask(self, sql, database="postgres"):
        return ask_postgres(self.url(database), sql)

    def signal(self, number):
        """To the server and to each of its processes."""
        for pid in [process.pid for process in self._processes] + self._children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        children = self._children()
        super().kill()
        for pid in children:  # each is a session of its own
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _children(self):
        pids = []
        for process in self._processes:
            with contextlib.suppress(OSError):
                with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
                    pids += map(int, file.read().split())
        return pids

    def _check_installed(self):
        self._require(postgres_program("initdb"), "postgresql")

    def _make_data(self, data):
        if os.path.exists(os.path.join(data, "PG_VERSION")):
            return
        password = os.path.join(self.folder, "password")  # the folder is that user's alone
        with open(password, "w") as file:
            file.write(self.password)
        made = subprocess.run(
            [postgres_program("initdb"), "-D", data, "-U", self.user, "-A", "scram-sha-256"]
            + ["--pwfile", password, "--locale=C.UTF-8", "-E", "UTF8", "--no-sync"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=base_environment(self.folder),
            cwd=self.folder,
            **self._as_user,
        )
        if made.returncode != 0:
            raise ServiceError("initdb: %s%s" % (made.stdout, made.stderr))

    def _launch(self):
        data = os.path.join(self.folder, "data")
        self._make_data(data)
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "on",
            "shared_buffers": "16MB",
            "max_connections": 60,
        }
        argv = [postgres_program("postgres"), "-D", data]
        for key, value in settings.items():
            argv += ["-c", "%s=%s" % (key, value)]
        self._spawn(argv, base_environment(self.folder), **self._as_user)

    def _is_ready(self, answer):
        return answer[:1] == b"R"  # it asks for the password; while it starts it says E


def unprivileged_account():
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServiceError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def postgres_program(name):
    found = sorted(glob.glob(os.path.join(POSTGRES_BIN, name)))
    return found[-1] if found else os.path.join(POSTGRES_BIN, name)


def ask_postgres(url, sql):
    """The answer as text: a line for each row, | between the columns."""
    done = subprocess.run(
        [postgres_program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, url],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=base_environment("/"),
    )
    if done.returncode != 0:
        raise ServiceError("psql: %s" % done.stderr.strip())
    return done.stdout.strip()


def base_environment(home):
    """Nothing of the caller's environment reaches a server, least of all RABBITMQ_*."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": home,
        "LANG": "C.UTF-8",
    }


class Services:
    """The servers, or one of them, started side by side."""

    def __init__(self, folder, user, password, only=None, with_postgres=False):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.folder = folder
        self._only = only
        self.broker = Broker(os.path.join(folder, "rabbitmq"), user, password)
        self.zookeeper = ZooKeeper(os.path.join(folder, "zookeeper"))
        self.postgres = Postgres() if with_postgres else None
        self._socket = None

    def start(self):
        failures = []

        def start_one(server):
            try:
                server.start()
            except Exception as error:  # of any kind: it is raised again below
                failures.append(error)

        threads = [threading.Thread(target=start_one, args=(s,)) for s in self._servers()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def close(self):
        """Also after a signal in the middle of start(): what is being started must not outlive us."""
        for server in self._servers():
            server.give_up()
        for server in self._servers():
            server.close()

    def environment(self):
        environment = {"ELVES_TEST_SERVICES_DIR": self.folder}
        if self._only != "zookeeper":
            environment.update(
                ELVES_TEST_MQ_HOST=HOST,
                ELVES_TEST_MQ_PORT=str(self.broker.port),
                ELVES_TEST_MQ_USER=self.broker.user,
                ELVES_TEST_MQ_PASSWORD=self.broker.password,
            )
        if self._only != "broker":
            environment["ELVES_TEST_ZOOKEEPER"] = "%s:%d" % (HOST, self.zookeeper.port)
        if self.postgres:
            environment["ELVES_TEST_POSTGRES"] = self.postgres.url()
        return environment

    def listen_for_control(self):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(control_address(self.folder))
        self._socket.listen()
        threading.Thread(target=self._serve_control, daemon=True).start()

    def _servers(self):
        return [self._named()[self._only]] if self._only else list(self._named().values())

    def _named(self):
        named = {"broker": self.broker, "zookeeper": self.zookeeper, "postgres": self.postgres}
        return {name: server for name, server in named.items() if server}

    def _serve_control(self):
        while True:
            connection, _ = self._socket.accept()
            with connection:
                try:
                    which, verb = connection.recv(200).decode().split()
                    answer = self._control(which, verb)
                except Exception as error:  # of any kind: the asker gets it
                    answer = "error: %s" % error
                with contextlib.suppress(OSError):
                    connection.sendall(answer.encode())

    def _control(self, which, verb):
        server = self._named()[which]
        if verb == "port":
            return str(server.port)
        {"start": server.start, "stop": server.stop, "kill": server.kill}[verb]()
        return "ok"


def control_path(folder):
    return os.path.join(folder, "control")


def control_address(folder):
    """The same, short enough for any folder: a socket's address has 107 bytes."""
    return "/proc/self/fd/%d/control" % os.open(folder, os.O_PATH | os.O_DIRECTORY)


def control(which, verb):
    folder = os.environ.get("ELVES_TEST_SERVICES_DIR")
    if not folder:
        sys.exit("services.py ctl: ELVES_TEST_SERVICES_DIR is not set; run this below with-services")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(control_address(folder))
        connection.sendall(("%s %s" % (which, verb)).encode())
        answer = connection.recv(65536).decode()
    print(answer)
    return 1 if answer.startswith("error") or not answer else 0


def end_by_signals():
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def on_signal(number, _):
        for each in numbers:  # a second one must not break off the clearing away
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in numbers:
        signal.signal(number, on_signal)


def run_command(argv, environment):
    """Runs the command in a process group of its own, unless it may want the terminal."""
    own_group = not os.isatty(0)
    process = subprocess.Popen(
        argv, env=dict(os.environ, **environment), preexec_fn=os.setpgrp if own_group else None
    )
    if own_group:
        Watcher.get().tell("group", process.pid)
    try:
        status = process.wait()
        return 128 - status if status < 0 else status
    finally:
        for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, None)):
            if process.poll() is None:
                kill_group(process.pid, number) if own_group else process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(patience)
        if own_group:
            kill_group(process.pid, signal.SIGKILL)  # what it left behind
            Watcher.get().tell("group-ended", process.pid)


def with_services(argv):
    end_by_signals()
    folder = tempfile.mkdtemp(prefix="elves-services-")
    Watcher.get().tell("folder", folder)
    services = Services(folder, "root", "root", with_postgres=True)
    try:
        services.start()
        services.listen_for_control()
        return run_command(argv, services.environment())
    except ServiceError as error:
        print("with-services: %s" % error, file=sys.stderr)
        return 99  # automake's word for a test that could not be set up
    except OSError as error:
        print("with-services: %s: %s" % (argv[0], error.strerror), file=sys.stderr)
        return 127
    finally:
        services.close()
        remove_folder(folder)


def run_in_foreground(folder, user, password_file, only):
    end_by_signals()
    folder = os.path.abspath(folder)
    password = "root"
    if password_file:
        with open(password_file) as file:
            password = file.read().strip()
    services = Services(folder, user, password, only)
    ready = os.path.join(folder, "services.env")
    for stale in (ready, control_path(folder)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(stale)
    try:
        services.start()
        services.listen_for_control()
        lines = ["%s=%s\n" % item for item in services.environment().items()]
        with open(os.open(ready + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.writelines(lines)
        os.rename(ready + ".new", ready)
        signal.pause()
    except ServiceError as error:
        print("services.py: %s" % error, file=sys.stderr)
        return 99
    finally:
        services.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ready)


def main():
    parser = argparse.ArgumentParser(description="private RabbitMQ, ZooKeeper and PostgreSQL for tests")
    verbs = parser.add_subparsers(dest="verb", required=True)
    ctl = verbs.add_parser("ctl", help="act on the servers of with-services")
    ctl.add_argument("which", choices=("broker", "zookeeper", "postgres"))
    ctl.add_argument("what", choices=("start", "stop", "kill", "port"))
    run = verbs.add_parser("run", help="both servers in the foreground")
    run.add_argument("--dir", required=True)
    run.add_argument("--user", default="root")
    run.add_argument("--password-file")
    run.add_argument("--only", choices=("broker", "zookeeper"))
    verbs.add_parser("watch", help="(internal)")
    options = parser.parse_args()
    if options.verb == "watch":
        return watch()
    if options.verb == "ctl":
        return control(options.which, options.what)
    return run_in_foreground(options.dir, options.user, options.password_file, options.only)


if __name__ == "__main__":
    sys.exit(main())
