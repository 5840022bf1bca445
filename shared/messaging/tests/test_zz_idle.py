import asyncio, time, cProfile, pstats, sys
from shared.messaging.relay import Relay
from shared.messaging.runner import Runner
from shared.messaging.tests.stage import running, until
from shared.messaging.tests.conftest import *
from shared.messaging.tests.ledger import Ledger, DDL
async def measure(name, seconds=15):
    await asyncio.sleep(3)
    a=time.process_time(); t=time.time(); await asyncio.sleep(seconds)
    print(f"{name}: {(time.process_time()-a)/(time.time()-t)*100:.2f} % of a core", file=sys.__stderr__, flush=True)
async def test_idle(jars, reader, reader_owner, infra, topic):
    await measure("nothing", 5)
    r = Relay(jars.database,"jars",topic,infra.kafka)
    async with running(r.run()):
        await until(lambda: r.leading); await measure("relay")
    book=Ledger(reader)
    c=Runner(reader,infra.kafka,"g"+topic,[topic],book)
    async with running(c.run()):
        await until(lambda: not c.troubles()); await measure("runner")
        p=cProfile.Profile(); p.enable(); await asyncio.sleep(10); p.disable()
        pstats.Stats(p, stream=sys.__stderr__).sort_stats("tottime").print_stats(12)
