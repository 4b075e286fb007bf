from collections.abc import Callable

import pytest

from tests import servers
from tests.servers import SERVERS, Server


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("backend", SERVERS)
def test_a_missing_server_is_a_skip_or_a_failure(
    server_of: Callable[[str], Server],
    backend: str,
    required: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGEREC_REQUIRE_ALL", "1" if required else "")
    monkeypatch.setattr(servers.shutil, "which", lambda *_, **__: None)
    start = SERVERS[backend]
    with pytest.raises(servers.ServerMissing, match=r"there is no program .*: install mari"):
        start().__enter__()
    monkeypatch.setitem(SERVERS, f"another {backend}", start)  # type: ignore[arg-type]
    outcome = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(outcome, match="install mariadb-server and postgresql"):
        server_of(f"another {backend}")
