"""Starting and stopping the whole cluster."""

import shutil

import addons
import baseimages
import certs
import components
import configs
import images
import leftovers
import network
import processes
import runtime
from components import Component
from settings import CONTAINERD_ROOT, KUBECONFIG, RUN, STATE
from shell import CommandFailed, inside, say, step, wait_until


def up() -> None:
    """Start the cluster from nothing; leftovers of an earlier one are removed first."""
    if is_up():
        say(f"the cluster is up: export KUBECONFIG={KUBECONFIG}")
        return
    down()
    with step("network and certificates"):
        STATE.mkdir(parents=True, mode=0o700)
        RUN.mkdir(parents=True, exist_ok=True)
        network.create()
        certs.create()
        configs.write()
        shutil.copy(certs.ADMIN.kubeconfig, KUBECONFIG)
    with step("control plane"):
        _start(components.etcd(), components.containerd())
        _start(components.api_server())
        addons.apply()
        _start(components.controller_manager(), components.scheduler(), components.dns(),
               components.prometheus(), components.kwok())  # fmt: skip
    with step("base images"):
        _forget_containers()
        _import_base_images()
    with step("node"):
        # Not before the kubelet: kube-proxy waits for its node's address, up to 30 s.
        _start(components.kubelet(), components.proxy())
        wait_until(_default_account, what="the default service account", seconds=30)
    say(f"the cluster is up: export KUBECONFIG={KUBECONFIG}")


def is_up() -> bool:
    """Whether every component runs and the node is ready."""
    names = {process.name for process in processes.recorded() if process.alive}
    wanted = {make().name for make in components.ALL}
    return wanted <= names and components.api_server_ready() and components.node_ready()


def down() -> None:
    """Stop every process, unmount, remove namespace and state; safe to call at any time."""
    running = {process.name: process for process in processes.recorded()}
    order = [make().name for make in reversed(components.ALL)]
    # The runtime goes after its containers, and they after the kubelet that would restart them.
    order.sort(key=lambda name: name == "containerd")
    for name in order:
        if name == "containerd" and name in running and running[name].alive:
            _kill_containers()
        if name in running:
            processes.stop(running[name])
    for process in processes.recorded():
        processes.stop(process)
    leftovers.remove()
    network.remove()
    for folder in (RUN, STATE):
        if folder.exists():
            shutil.rmtree(folder)


def _start(*wanted: Component) -> None:
    for component in wanted:
        processes.start(component.name, inside(component.argv), env=component.env)
    for component in wanted:
        _await(component)


def _await(component: Component) -> None:
    def healthy() -> bool:
        process = processes.find(component.name)
        if process is None or not process.alive:
            tail = processes.log_file(component.name).read_text().splitlines()[-15:]
            raise CommandFailed(f"{component.name} ended:\n" + "\n".join(tail))
        return component.healthy()

    try:
        wait_until(healthy, what=f"a healthy {component.name}", seconds=component.seconds)
    except TimeoutError as error:
        raise TimeoutError(f"{error}; see {processes.log_file(component.name)}") from None


def _default_account() -> bool:
    words = ["get", "serviceaccount", "default", "--namespace=default", "--ignore-not-found"]
    return bool(components.kubectl(*words).strip())


def _forget_containers() -> None:
    """Remove what a crash or a reboot left in the runtime's store, which outlives `down`."""
    if runtime.remove_containers():
        containerd = processes.find("containerd")
        if containerd:
            processes.stop(containerd)
        _start(components.containerd())


def _import_base_images() -> None:
    present = runtime.digests()
    for image in baseimages.ALL:
        stamp = CONTAINERD_ROOT / f"{image.archive.stem}.imported"
        if image.name not in present or not stamp.exists():
            runtime.import_image(image.archive, name=image.name)
            stamp.touch()
    images.write_digests()


def _kill_containers() -> None:
    try:
        runtime.remove_containers()
    except CommandFailed as error:
        say(f"containers could not be removed by containerd: {error}")


def statuses() -> list[tuple[str, str, str]]:
    """Name, pid and health of each component."""
    rows = []
    for make in components.ALL:
        component = make()
        process = processes.find(component.name)
        if process is None or not process.alive:
            rows.append((component.name, "-", "down"))
        else:
            health = "healthy" if component.healthy() else "not healthy"
            rows.append((component.name, str(process.pid), health))
    return rows
