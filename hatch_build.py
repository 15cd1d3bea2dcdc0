"""The build hook of the package: the compiled twins of the scan are built where that can be done, and go along.

Nobody needs it. Without a compiler, without Python's headers, or where anything else goes wrong, the package is built
without them, and the plain loops run (docs/decisions/0005). ``KERMA_PLAIN=1`` leaves them out.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("kerma_twin", root / "tools" / "twin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TwinHook(BuildHookInterface[Any]):
    """Builds the twins beside their sources, for a wheel and for an editable installation alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the files of the package are collected."""
        if os.environ.get("KERMA_PLAIN", "") not in {"", "0"}:
            self.app.display_info("the compiled twins of the scan are left out, as KERMA_PLAIN says")
            return
        root = Path(self.root)
        try:
            tool = _tool(root)
            room = root / "src" / tool.ROOM
            built = tool.built(room)
        except (Exception, SystemExit) as error:  # noqa: BLE001  nothing that goes wrong here may stop an installation
            reason = f"{type(error).__name__}: {error}"
            self.app.display_warning(f"the compiled scan cannot be built here, the plain one runs ({reason})")
            return
        if version != "editable":
            for path in built:
                build_data["force_include"][str(path)] = f"kerma/encoding/{path.name}"
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
