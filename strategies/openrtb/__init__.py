"""OpenRTB 2.6 over HTTP, both ways: a seat that a bidder elsewhere plays, and a server that answers with a strategy from here.

A seat is a strategy (``seat``, its settings in ``setup``). It speaks through a ``conversation``: ``bid_requests`` writes, ``connections`` and
``http_client`` carry, ``response`` judges each answer, ``notices`` go back, ``counts`` are what the run reports.
A server (``server``, HTTP) has a ``desk`` that answers bid requests; ``reading`` makes columns of one, and an ``account`` keeps the books of
a strategy. ``objects`` are the specification's; ``addresses`` and ``checked`` check settings of either.
Nothing of the extra ``openrtb`` is imported before a seat is opened or a server started.
"""

from __future__ import annotations
