"""PS3.4, the services: one file per service class, sans-IO, shared by the blocking and the asyncio drivers.

A service is written as a *flow*, a generator of effects (``flow``): what to send, what to wait for. Who runs it waits;
it decides. ``providers`` are the interfaces of what stands behind the services.
"""
