"""Define the command ``contramix recipes``."""

from typing import Annotated

import typer

from contramix.cli.app import Command, Debug, Json, Output, Quiet, app
from contramix.recipes import domains


@app.command(cls=Command)
def recipes(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Recipe to print. The output is a complete recipe file, which can be edited and given by its path."
        ),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(help=f"The kind of data: {', '.join(domains())}. Default: all kinds, or table if NAME is given."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the recipes for each kind of data, or print one with all its settings.

    Recipes of the same name use the same method in each domain, with settings that suit the domain.
    """
    from contramix.recipes import recipe_path, shipped, summary

    output = Output(json, quiet)
    if name is None:
        from rich.table import Table

        listed = {of: {name: summary(path) for name, path in shipped(of).items()} for of in domains(domain)}
        tables = []
        for of, recipes in listed.items():
            tables.append(Table(title=f"domain {of}", title_justify="left", box=None, show_header=False))
            for recipe, text in recipes.items():
                tables[-1].add_row(recipe, text)
        output.result({"recipes": listed.get("table") or next(iter(listed.values())), "domains": listed}, *tables)
        return
    from contramix.recipe import Recipe

    found = Recipe.load(name, domain=domain)
    lines = recipe_path(name, domain or "table").read_text(encoding="utf-8-sig").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    output.result(found.to_dict(), "\n".join(comments), "", found.to_toml().rstrip())
