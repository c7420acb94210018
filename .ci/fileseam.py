"""Check that Python opens, creates, replaces and removes files in zswapsim/files/ alone.

Prints one line for each call that goes past it, and exits 1 if there is one. A line that ends in a comment
``# files: REASON`` is exempt, and so is one that opens /dev/null. The core lies below that package: the modules of it
that open a file are listed here.
"""

import ast
import re
import sys
from pathlib import Path

PACKAGE = Path("zswapsim")
SEAM = PACKAGE / "files"
OF_OS = frozenset(
    "access chmod chown close_range copy_file_range fchmod fdopen fsync ftruncate link listdir lstat makedirs"  # noqa: SIM905
    " memfd_create mkdir mkfifo mknod open pread preadv pwrite pwritev read readlink remove removedirs rename renames"
    " replace rmdir scandir sendfile splice stat symlink truncate unlink utime walk write".split()
)
OF_MODULE = {
    "np": {"fromfile", "genfromtxt", "load", "loadtxt", "memmap", "save", "savetxt", "savez", "savez_compressed"},
    "pa": {"OSFile", "create_memory_map", "input_stream", "memory_map", "output_stream"},
    "io": {"FileIO", "open", "open_code"},
}
WHOLE_MODULES = {"tempfile", "shutil"}
HARMLESS = {"get_terminal_size", "which"}
OF_PATH = frozenset(
    "chmod exists glob hardlink_to is_block_device is_char_device is_dir is_file is_symlink iterdir lstat mkdir"  # noqa: SIM905
    " open read_bytes read_text rename resolve rglob rmdir samefile stat symlink_to tofile unlink write_bytes"
    " write_text".split()
)
OF_CORE = {
    "zswapsim/_core/backend/device.pyx": "the file of the swap device, which zswapsim.backends announces",
    "zswapsim/_core/frames/hostnuma.pyx": "the host's nodes, from sysfs; without the file, there is one",
}
CYTHON = re.compile(r"(?<![\w.])open\(|\btempfile\b|\bos\.(?:open|fdopen|unlink|mkdir|remove|replace|rename|rmdir)\b")
EXEMPT = ("# files: ", "os.devnull")


def calls_past(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name, attribute = node.value.id, node.attr
            wrong = attribute in OF_OS if name == "os" else attribute in OF_MODULE.get(name, ())
            if wrong or (name in WHOLE_MODULES and attribute not in HARMLESS):
                found.append((node.lineno, f"{name}.{attribute}"))
        if isinstance(node, ast.Call):
            found += [(node.lineno, name) for name in [called(node)] if name]
    return found


def called(node: ast.Call) -> str:
    """Return the name of a call that works on a file, or nothing."""
    function = node.func
    if isinstance(function, ast.Name):
        return "open" if function.id == "open" else ""
    if not isinstance(function, ast.Attribute):
        return ""
    of_module = isinstance(function.value, ast.Name) and function.value.id in {"os", *OF_MODULE, *WHOLE_MODULES}
    if function.attr in OF_PATH and not of_module:
        return f".{function.attr}"
    replaces = function.attr == "replace" and len(node.args) == 1 and not node.keywords
    return ".replace" if replaces else ""


def main() -> int:
    wrong, looked_at = [], 0
    for path in sorted(PACKAGE.rglob("*.py")):
        if SEAM in path.parents:
            continue
        looked_at += 1
        lines = path.read_text().splitlines()
        for number, what in calls_past(ast.parse("\n".join(lines))):
            if not any(exempt in lines[number - 1] for exempt in EXEMPT):
                wrong.append(f"{path}:{number}: {what}: expected a function of zswapsim.files")
    wrong += [
        f"{path}: opens a file: expected it to be given one, or a reason in {Path(__file__).name}"
        for path in sorted(PACKAGE.rglob("*.pyx"))
        if str(path) not in OF_CORE and CYTHON.search(path.read_text())
    ]
    print("\n".join(wrong) or f"{looked_at} modules leave files to zswapsim.files")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
