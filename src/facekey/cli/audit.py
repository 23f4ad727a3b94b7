"""`facekey audit`: prove that the log is whole, and take it elsewhere."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from facekey.cli.ask import ask
from facekey.cli.outcome import errors, told_in_one_line
from facekey.cli.output import private_file
from facekey.core.audit import Anchor
from facekey.core.audit_lines import MAX_LINE, Verified, parse_receipt, read_checkpoints, verify_lines
from facekey.core.audit_statements import ErasureStatement, Signature
from facekey.core.caller import COMMAND_LINE
from facekey.core.errors import RequestInvalid, SettingsInvalid
from facekey.core.ports.audit import SignatureVerifier
from facekey.services.verify_audit import VerifyAudit
from facekey.settings import Settings, read_settings
from facekey.wiring.records import Records, open_audit_trail, open_records, read_public_keys

app = typer.Typer(help="The audit log.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, readable=True, help="An export, instead of the database."),
]
PublicKey = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, readable=True, help="What `facekey audit key` printed."),
]
KeptCheckpoints = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        exists=True,
        dir_okay=False,
        readable=True,
        help="The file of checkpoints that was kept outside of the database.",
    ),
]


@app.callback()
def root() -> None:
    """The audit log."""


@app.command("verify")
def verify(file: File = None, public_key: PublicKey = None, checkpoints: KeptCheckpoints = None) -> None:
    """Check every link, the sealed end and every checkpoint; names the first record that doesn't add up."""
    with told_in_one_line():
        keys = None if public_key is None else read_public_keys(public_key)
        if file is not None:
            found = _verify_file(file, keys, checkpoints)
        else:
            found = asyncio.run(_verify_database(read_settings(), keys, checkpoints))
        typer.echo(f"{found.head.sequence} audit records, every link holds")
        typer.echo(f"  last record: {found.head.digest.hex()}")
        if file is None:
            typer.echo("  its end is sealed" if found.sealed else "  seal of its end: not checked")
        typer.echo(
            f"  {found.checkpoints} signed checkpoints, the last of record {found.signed_up_to}"
            if found.checkpoints
            else "  signed checkpoints: none checked"
        )


@app.command("key")
def key() -> None:
    """Print the public key that checkpoints and receipts are verified with; give it to whoever verifies."""
    typer.echo(ask(open_records, _public_keys), nl=False)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to; - for the standard output.")],
) -> None:
    """Write all of the log as JSON lines, signed up to its end."""
    ask(open_records, lambda records: _export(records, file))


@app.command("checkpoint")
def checkpoint() -> None:
    """Sign where the log ends now."""
    made = ask(open_records, lambda records: records.checkpoint(at_once=True))
    if made is None:
        typer.echo("there is nothing new since the last checkpoint")
    else:
        typer.echo(f"record {made.head.sequence} is signed, with key {made.signature.kid}")


@app.command("seal")
def seal(yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False) -> None:
    """Seal the end of a log that an older version wrote. Verify it first by what you know of it."""
    if not yes:
        typer.confirm("Seal the log as it is, whoever wrote it?", abort=True)
    head = ask(open_records, lambda records: records.seal(caller=COMMAND_LINE))
    typer.echo(f"{head.sequence} records are sealed")


@app.command("verify-receipt")
def verify_receipt(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="What an erasure answered, as JSON."),
    ],
    public_key: PublicKey = None,
) -> None:
    """Check that this deployment signed an erasure receipt."""
    with told_in_one_line():
        said, signature = parse_receipt(file.read_text(encoding="utf-8", errors="replace"))
        if public_key is not None:
            read_public_keys(public_key).verify(said.statement, signature)
        else:
            asyncio.run(_verify_receipt(read_settings(), said, signature))
        typer.echo(
            f"signed: {said.subject} was erased at {said.erased_at.isoformat()}, "
            f"audit record {said.head.sequence}"
        )


async def _verify_receipt(settings: Settings, said: ErasureStatement, signature: Signature) -> None:
    """With the keys at hand; and the log must have that record."""
    async with open_records(settings) as records:
        records.signer.public.verify(said.statement, signature)
        await records.verify([Anchor(said.head.sequence, said.head.digest, "the receipt")])


def _verify_file(file: Path, keys: SignatureVerifier | None, checkpoints: Path | None) -> Verified:
    if keys is None:
        errors.print("without --public-key only the links are checked: a log written anew has links, too")
    anchors = _anchors(checkpoints, keys)
    with _lines_of(file) as lines:
        return verify_lines(lines, verifier=keys, anchors=anchors)


async def _verify_database(
    settings: Settings, keys: SignatureVerifier | None, checkpoints: Path | None
) -> Verified:
    """With the deployment's keys where they are at hand; what can't be checked without is told."""
    try:
        async with open_records(settings) as records:
            return await records.verify(_anchors(checkpoints, keys or records.signer.public))
    except SettingsInvalid as missing:
        if settings.encryption_key.get_secret_value() or settings.key_file is not None:
            raise
        errors.print(f"without the deployment's keys ({missing}) the seal of the end can't be checked")
    async with open_audit_trail(settings) as trail:
        verify_without = VerifyAudit(trail=trail, verifier=keys, pseudonym_key=None)
        return await verify_without(_anchors(checkpoints, keys))


def _anchors(file: Path | None, keys: SignatureVerifier | None) -> list[Anchor]:
    if file is None:
        return []
    with _lines_of(file) as lines:
        return [one.anchor for one in read_checkpoints(lines, keys)]


@contextmanager
def _lines_of(file: Path) -> Iterator[Iterator[str]]:
    with file.open(encoding="utf-8", errors="replace", newline="\n") as opened:
        yield iter(lambda: _bounded(opened.readline(MAX_LINE)), "")


def _bounded(line: str) -> str:
    if len(line) >= MAX_LINE:
        raise RequestInvalid("line_too_long", "a line of the file is longer than any record")
    return line


async def _public_keys(records: Records) -> str:
    return records.signer.public.pem().decode()


async def _export(records: Records, file: Path) -> None:
    lines = await records.read.export(caller=COMMAND_LINE)
    # It says when whom was seen, if only by pseudonyms.
    with private_file(file) as out:
        async for line in lines:
            out.write(line + "\n")
