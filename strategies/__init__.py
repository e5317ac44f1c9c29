"""The bidders' brains: valuations say what an impression is worth, policies turn that into a bid.

``base`` has the classes to derive from. A strategy is found by ``registry`` among those that ship, ``plugins`` of
other packages, and ``files``; ``fingerprint`` and ``imports`` say what determines it besides its parameters, for the address of a cell.
``market`` and ``context_prices`` are the public facts that policies receive; ``hindsight`` is an upper bound, and no strategy.
"""
