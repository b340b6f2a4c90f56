"""A private RabbitMQ with its management API."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx

from touchstone.backing.programs import Program, free_ports, path
from touchstone.backing.servers import BrokerServer
from touchstone.certificates import trusted_certificates

USER = "touchstone"

_PLUGIN = "rabbitmq_management"

# RabbitMQ loads every module of every application it uses, to look in each for steps of its boot.
# Those of Erlang's own have none: described as without modules, they are loaded when they are
# needed, and the boot takes a third less. What this fails to describe is described by itself.
_LAZY = (
    "-eval lists:foreach(fun(A)->catch(application:load({application,A,lists:keystore(modules,1,"
    "element(3,hd(element(2,file:consult(code:where_is_file(lists:concat([A,[46],app])))))),"
    "{modules,[]})}))end,[asn1,compiler,crypto,eldap,inets,mnesia,os_mon,public_key,"
    "runtime_tools,ssl,syntax_tools,tools,xmerl])"
)
_NEEDS = re.compile(r"\{applications,\s*\[(.*?)\]", re.DOTALL)


class RabbitMQ:
    """One broker and the port mapper (epmd) of its own, in one folder.

    Erlang would otherwise start a port mapper as a daemon on a well-known port, shared with any
    other broker of the machine and left running by all of them.
    """

    def __init__(self, folder: Path, password: str) -> None:
        self._folder = folder
        self._password = password
        self._ports: list[int] = []
        self._mapper = Program("epmd", folder)
        self._program = Program("rabbitmq", folder)

    def start(self) -> BrokerServer:
        """Start it, or start it again on what it kept; returns when its HTTP API answers."""
        began = time.monotonic()
        if not self._ports:
            self._prepare()
        amqp, management, _, _ = self._ports
        self._mapper.start([path("epmd")])
        self._program.start([path("rabbitmq-server")])
        version = self._program.wait_for(lambda: self._version(management), timeout=90)
        return BrokerServer(
            host="127.0.0.1",
            port=amqp,
            user=USER,
            password=self._password,
            version=version,
            management=management,
            seconds=time.monotonic() - began,
        )

    def stop(self) -> None:
        """Stop it in an orderly way; what is durable stays on disk."""
        self._program.stop()
        self._mapper.kill()

    def kill(self) -> None:
        """End it for good, at once, and remove what it kept."""
        self._program.kill()
        self._mapper.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepare(self) -> None:
        self._folder.mkdir()
        self._ports = free_ports(4)
        amqp, management, distribution, mapper = self._ports
        configuration = self._folder / "rabbitmq.conf"
        configuration.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{amqp}\n"
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n"
            f"default_user = {USER}\ndefault_pass = {self._password}\n"
            "loopback_users = none\nlog.file.level = warning\nlog.console = false\n"
            # Below this much free disk RabbitMQ stops taking messages.
            "disk_free_limit.absolute = 50MB\n"
        )
        configuration.chmod(0o600)
        (self._folder / "enabled_plugins").write_text(f"[{_PLUGIN}].\n")
        environment = {
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": f"touchstone-{amqp}@localhost",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(configuration.with_suffix("")),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self._folder / "generated"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # By default each of its threads is tied to a core, also to one that others keep busy.
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
            "ERL_AFLAGS": _LAZY,
            # The start script then becomes the server instead of waiting for it, so that the
            # signals we send reach the server.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        environment |= _slim_home(Path(path("rabbitmq-server")), self._folder / "home")
        self._mapper.environment = self._program.environment = environment

    def _version(self, management: int) -> str:
        overview = httpx.get(
            f"http://127.0.0.1:{management}/api/overview",
            auth=(USER, self._password),
            timeout=5,
            trust_env=False,
            verify=trusted_certificates(),
        )
        return str(overview.raise_for_status().json()["rabbitmq_version"])


def _slim_home(server: Path, home: Path) -> dict[str, str]:
    """Make an installation of links to what the broker needs; the variables that choose it.

    Erlang looks for each of some thousand modules in every folder of the installation, in turn,
    and RabbitMQ brings three times as many folders as we need: without them it starts in a little
    more than half the time. Where the installation does not look as expected it is used as it is.
    """
    installation = server.resolve().parent.parent
    applications = {}
    for description in (installation / "plugins").glob("*/ebin/*.app"):
        applications[description.stem] = (description.parent.parent, description.read_text("utf-8"))
    packed = any((installation / "plugins").glob("*.ez"))
    if packed or not {"rabbit", _PLUGIN} <= set(applications):
        return {}
    needed = needed_applications(
        ["rabbit", "rabbitmq_prelaunch", _PLUGIN],
        {name: text for name, (_, text) in applications.items()},
    )
    (home / "plugins").mkdir(parents=True)
    (home / "sbin").symlink_to(installation / "sbin")
    for name in needed:
        folder = applications[name][0]
        (home / "plugins" / folder.name).symlink_to(folder)
    return {
        "RABBITMQ_HOME": str(home),
        "RABBITMQ_SCRIPTS_DIR": str(home / "sbin"),
        "RABBITMQ_PLUGINS_DIR": str(home / "plugins"),
    }


def needed_applications(wanted: Iterable[str], descriptions: Mapping[str, str]) -> set[str]:
    """Those of the described applications that the wanted ones need, themselves included.

    `descriptions` are the texts of the `.app` files by application; what none describes is left
    out: it comes with Erlang.
    """
    needed: set[str] = set()
    found = list(wanted)
    while found:
        name = found.pop()
        if name in descriptions and name not in needed:
            needed.add(name)
            listed = _NEEDS.search(descriptions[name])
            found += re.findall(r"\w+", listed.group(1)) if listed else []
    return needed
