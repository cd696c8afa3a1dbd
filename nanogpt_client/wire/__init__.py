"""The public types of what goes over the wire, by subject.

Replies are parsed leniently into small frozen values that keep the raw dict: only what the contract
names is typed, anything else survives in ``raw``. Options are TypedDicts, so that one declaration
serves the endpoint, both clients and both adapters.
"""
