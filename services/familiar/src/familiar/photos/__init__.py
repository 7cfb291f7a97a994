"""Photos: from the files of a folder to the faces that are kept of them, and to results that other programs read."""

from familiar.photos import keeping, sidecars, tables, writing
from familiar.photos.folders import FolderRefused, Picture, allowed_folder, open_folder, pictures
from familiar.photos.links import link_folders
from familiar.photos.looking import Looker
from familiar.photos.places import Place

__all__ = [
    "FolderRefused",
    "Looker",
    "Picture",
    "Place",
    "allowed_folder",
    "keeping",
    "link_folders",
    "open_folder",
    "pictures",
    "sidecars",
    "tables",
    "writing",
]
