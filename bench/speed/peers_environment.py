"""Make the environment of bench/speed/peers.py, which holds the peers, torch and this checkout, apart from every other.

Torch comes first and through constraints.txt: alone, the peers would bring a newer one, built for CUDA. They also bring
torchvision, whose build in the registry is for CUDA and does not import beside a torch that is not, and which, where it
is merely installed, breaks others: so it may stand in no other environment.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).with_name("peers-requirements.txt")
DEFAULT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contramix-peers"


def made(folder: Path) -> Path:
    """The environment's Python; what is not there yet, or was made for other versions, is installed."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done, wanted = folder / "installed", REQUIREMENTS.read_text() + (ROOT / "constraints.txt").read_text()
    if not done.exists() or done.read_text() != wanted:
        print(f"installing the peers into {folder} (some minutes)", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["-c", str(ROOT / "constraints.txt")]
        subprocess.run([*install, "torch"], check=True)
        subprocess.run([*install, "-r", str(REQUIREMENTS), "-e", str(ROOT)], check=True)
        done.write_text(wanted)
    return python


def run_inside(folder: Path, arguments: list[str]) -> int:
    """Run this Python program with the environment's interpreter, on this checkout; its exit status."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run([str(made(folder)), *arguments], env=os.environ | {"PYTHONPATH": paths}).returncode
