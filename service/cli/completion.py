"""``wirewatch completion SHELL``."""

from __future__ import annotations

import click

from service.cli.state import State, define


@define(
    "completion",
    examples="""
    wirewatch completion bash > ~/.local/share/bash-completion/completions/wirewatch
    wirewatch completion zsh > "${fpath[1]}/_wirewatch"
    wirewatch completion fish > ~/.config/fish/completions/wirewatch.fish
    """,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, _: State, shell: str) -> None:
    """Print a script that completes commands in your shell."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    found = get_completion_class(shell)
    assert found is not None, "the choices are the shells that click knows"
    click.echo(found(ctx.find_root().command, {}, "wirewatch", "_WIREWATCH_COMPLETE").source())
