"""`make verify`: each service verifies itself, side by side on the running platform; ends with 1 where one fails."""

import asyncio
import sys

from deploy.local import running
from deploy.local.running import Running
from deploy.local.trouble import Trouble
from deploy.local.verbs import operate


async def verify_all(state: Running) -> bool:
    """Verify all services side by side, printing what each says when it is through; tells whether all is well."""
    well = True
    runs = [operate(service, settings, "verify") for service, settings in state.settings.items()]
    for verified in asyncio.as_completed(runs):
        status, said = await verified
        print(("ok    " if status == 0 else "WRONG ") + said.replace("\n", "\n      "), flush=True)
        well = well and status == 0
    return well


def main() -> None:
    try:
        well = asyncio.run(verify_all(running.load()))
    except Trouble as trouble:
        sys.exit(f"error: {trouble}")
    if not well:
        sys.exit("something is wrong: see above")
    print("all is as it was published: chains, Kafka, ledger, read models")


if __name__ == "__main__":
    main()
