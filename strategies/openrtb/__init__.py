"""OpenRTB 2.6 over HTTP, both ways: a seat that a bidder elsewhere plays, and a server that answers with a strategy from here.

Nothing of the extra ``openrtb`` is imported before a seat is opened or a server started.
"""

from __future__ import annotations
