"""The bidders' brains: valuations say what an impression is worth, policies turn that into a bid.

``base`` has the classes to derive from. A strategy is found by ``registry`` among those that ship, ``plugins`` of
other packages, and ``strategy_files``; ``fingerprint`` and ``source_files`` say what determines it besides its parameters, for the address
of a cell; ``card`` is what it declares.
``market`` and ``context_prices`` are the public facts that policies receive; ``hindsight`` is an upper bound, and no strategy.
"""
