"""MkDocs, as it is run here."""

import logging
import os

os.environ["NO_MKDOCS_2_WARNING"] = "true"

from mkdocs.commands.build import build as build_site
from mkdocs.commands.serve import serve as serve_site
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, ConfigurationError, PluginError

from documentation.places import ROOT
from documentation.vendor import VendorError

CONFIGURATION = str(ROOT / "mkdocs.yml")


def build() -> bool:
    """Build the site. False if there is an error or a warning: each has been logged."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    try:
        config = load_config(CONFIGURATION, strict=True)
        config.plugins.on_startup(command="build", dirty=False)
        build_site(config)
        config.plugins.on_shutdown()
    except (Abort, ConfigurationError, PluginError, VendorError) as error:
        logging.error("%s", error)
        return False
    return True


def serve(address: str) -> None:
    """Show the site, built again whenever a page changes, until it is interrupted."""
    serve_site(CONFIGURATION, dev_addr=address, livereload=True)
