"""Every error that Wirewatch raises on purpose, in one tree.

::

    WirewatchError                 a message for a person: what, where, and the mend
    ├── SettingsError              wirewatch.toml, a WIREWATCH_* variable or a secret file is wrong
    ├── TopicsError                the topics file is wrong: topic, line and reason
    ├── UsageError                 what was asked for does not exist or does not fit together
    ├── FetchFailure               one look at a source failed, with a `Reason`
    ├── ParseFailure               what was fetched cannot be read, with a `Reason`
    ├── BackupError                a backup cannot be made, or what was given is none that can be restored
    └── DaemonError                the daemon cannot start or go on

The storage side has its own tree (`models.errors.StorageError`), because ``models`` never imports
``service``. Foreign exceptions are translated where they enter, with their cause kept.
"""

from __future__ import annotations

from service.values import Reason


class WirewatchError(Exception):
    """The root: its text is meant to be shown to a person as it is."""


class SettingsError(WirewatchError):
    """A setting is unknown, malformed or out of range; the text names the file, the key and the mend."""


class TopicsError(WirewatchError):
    """A topics file cannot be used; the text names the topic, the line and the reason."""


class UsageError(WirewatchError):
    """A question or command that cannot be answered as it was asked."""


class BackupError(WirewatchError):
    """A backup cannot be made, or cannot be restored; the text says why and what to do."""


class DaemonError(WirewatchError):
    """The daemon cannot start or go on; the text says what to do."""


class _Failure(WirewatchError):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[_Failure], tuple[Reason, str]]:
        # An exception is rebuilt from its args, which hold the one text: a worker's failure would not arrive.
        return type(self), (self.reason, self.detail)


class FetchFailure(_Failure):
    """A look at a source that ended without content, for one of a closed list of reasons."""


class ParseFailure(_Failure):
    """Bytes that are not what the source should give, for one of a closed list of reasons."""
