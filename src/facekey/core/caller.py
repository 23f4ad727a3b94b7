"""Who asks, and what they may: the one on whose behalf something is decided, read or changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from facekey.core.errors import NotAllowed


class Permission(StrEnum):
    """One kind of thing that can be asked for."""

    RECOGNISE = "recognise"
    """Authenticate, identify, open a live stream."""
    ENROL = "enrol"
    """Register, erase and export a person, keep their consent; look one up by id."""
    LIST_PEOPLE = "list_people"
    """See who is enrolled; membership alone can be sensitive."""
    UNLOCK = "unlock"
    """Lift an attempt limit; undo what adaptation did."""
    READ_RECORDS = "read_records"
    """Read the audit log, bias reports and the state of the system."""
    ADMINISTER = "administer"
    """Manage operators and API keys."""
    WATCH = "watch"
    """Read the metrics of a process; among them are error rates of groups of people."""


class Role(StrEnum):
    """Who may do what: see `PERMISSIONS`."""

    ADMIN = "admin"
    OPERATOR = "operator"
    SERVICE = "service"
    MONITOR = "monitor"
    """A machine that reads metrics, and nothing else."""


PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.OPERATOR: frozenset(Permission) - {Permission.ADMINISTER},
    Role.SERVICE: frozenset({Permission.RECOGNISE, Permission.ENROL}),
    Role.MONITOR: frozenset({Permission.WATCH}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands behind a request.

    Attributes:
        actor: what goes on record: the kind of the caller and a random number, such as
            `operator:5f0c...`; never a name.
        role: what they may do.
        audience: whom an application may ask for tokens for; None for no one.
        address: where the attempt comes from, for counting failures; None when that says
            nothing, as on a command line or for a service that relays attempts of others.
    """

    actor: str
    role: Role
    address: str | None = None
    audience: str | None = None

    def require(self, permission: Permission) -> None:
        """Go on only with this permission.

        Raises:
            NotAllowed: the caller's role doesn't have it.
        """
        if not self.may(permission):
            raise NotAllowed(f"the role {self.role} may not do this; it takes the permission {permission}")

    def may(self, permission: Permission) -> bool:
        """Whether the caller has this permission."""
        return permission in PERMISSIONS[self.role]

    def require_audience(self, audience: str) -> None:
        """Go on only when the caller may ask for a token for this audience.

        An application that could ask for any could sign people in to all others.

        Raises:
            NotAllowed: it may not.
        """
        if self.role is Role.SERVICE and self.audience != audience:
            raise NotAllowed("this API key may not ask for tokens for that audience")


COMMAND_LINE = Caller("command_line", Role.ADMIN)
"""Whoever has a shell on the machine and the keys of the deployment."""
