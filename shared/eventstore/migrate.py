"""Migrations: Alembic, a folder of versions per service; the event store's tables are the first of each."""

from pathlib import Path
from types import ModuleType

from alembic import command
from alembic.config import Config

from shared.kernel.routing import PARTITIONS

ROOT = Path(__file__).resolve().parents[2]
DDL = Path(__file__).parent / "ddl"


def event_store_ddl(role: str, partitions: int = PARTITIONS) -> list[str]:
    """Return the statements that make an event store whose serving role is `role`, oldest file first."""
    text = "\n".join(file.read_text() for file in sorted(DDL.glob("*.sql")))
    text = text.replace("{role}", f'"{role}"').replace("{partitions}", str(partitions))
    return [statement for statement in text.split(";\n") if statement.strip()]


def event_store(op: ModuleType) -> None:
    """Create the event store; called by the first migration of a service."""
    for ddl in event_store_ddl(serving_role(op)):
        op.execute(ddl)


def drop_event_store(op: ModuleType) -> None:
    """Take the event store away; called by the downgrade of a service's first migration."""
    op.execute("DROP FUNCTION store_now")
    op.execute(
        "DROP TABLE clock, head, events, snapshots, claims, answers, checkpoints, epochs, deadlines, parked,"
        " republishes"
    )
    op.execute("DROP TYPE new_event, new_answer")


def serving_role(op: ModuleType) -> str:
    """Return the role that the running service will have: grants are for it."""
    config = op.get_context().config
    assert config is not None
    role: str = config.attributes["serving_role"]
    return role


def run_migrations(service: str, owner_url: str, role: str, revision: str = "head") -> None:
    """Bring the database of a service to `revision`, as its owner; `base` takes all away. Safe to repeat."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(ROOT / "services" / service / "migrations" / "versions"))
    config.attributes.update(owner_url=owner_url, serving_role=role)
    (command.upgrade if revision == "head" else command.downgrade)(config, revision)
