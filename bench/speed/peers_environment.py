"""Make the environment of bench/speed/peers.py: the other libraries, torch and this checkout, apart from every other.

torch is installed first and within constraints.txt, because the other libraries alone would bring a newer one, built
for CUDA. They also bring torchvision. Its build in the registry is for CUDA, does not import with a torch without CUDA,
and breaks other libraries where it is merely installed. It must not be in any other environment.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).with_name("peers-requirements.txt")
DEFAULT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contramix-peers"


def ready_python(folder: Path) -> Path:
    """Return the environment's Python; install what is missing or was installed for other versions."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done, wanted = folder / "installed", REQUIREMENTS.read_text() + (ROOT / "constraints.txt").read_text()
    if not done.exists() or done.read_text() != wanted:
        print(f"installing the other libraries into {folder} (some minutes)", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["-c", str(ROOT / "constraints.txt")]
        subprocess.run([*install, "torch"], check=True)
        subprocess.run([*install, "-r", str(REQUIREMENTS), "-e", str(ROOT)], check=True)
        done.write_text(wanted)
    return python


def run_inside(folder: Path, arguments: list[str]) -> int:
    """Run Python with these arguments in the environment, on this checkout, and return the exit status."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run([str(ready_python(folder)), *arguments], env=os.environ | {"PYTHONPATH": paths}).returncode
