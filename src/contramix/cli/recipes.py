"""contramix recipes"""

from typing import Annotated

import typer

from contramix.cli.app import Debug, Json, Output, Quiet, app


@app.command()
def recipes(
    name: Annotated[
        str | None, typer.Argument(help="A recipe to print; its file can be changed and given by path.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the recipes, or print one with all its settings."""
    from contramix.recipe_files import recipe_path, shipped, summary

    output = Output(json, quiet)
    if name is None:
        from rich.table import Table

        listed = {recipe: summary(path) for recipe, path in shipped().items()}
        table = Table(box=None, show_header=False)
        for recipe, text in listed.items():
            table.add_row(recipe, text)
        output.result({"recipes": listed}, table)
        return
    from contramix.recipe import Recipe

    found = Recipe.load(name)
    lines = recipe_path(name).read_text(encoding="utf-8-sig").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    output.result(found.to_dict(), "\n".join(comments), "", found.to_toml().rstrip())
