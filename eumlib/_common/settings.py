"""The environment variables that the package reads, and what each is for."""

from __future__ import annotations

HOME_VARIABLE = "EUMLIB_HOME"  # the cache folder, where it is not to be the platform's own
LFW_VARIABLE = "EUMLIB_LFW"  # the user's copy of LFW, a folder or an archive
STATIC_VARIABLE = "EUMLIB_STATIC"  # set: tools show their static twins, as in reports
QUIET_VARIABLE = "TQDM_DISABLE"  # tqdm's own; set: no progress bars, no word of what is fetched
