"""Drives a coding-agent thread from Python: plain JSON in and out, with the names of docs/contract.md.

    python drive_thread.py /path/to/a/repository "what to do"

Every approval the agent asks for is accepted. The last line printed is the end of the turn, as JSON. Exit code 0 where
the turn completed, 1 where it did not.
"""

import asyncio
import json
import os
import sys
import uuid
from typing import Any, AsyncIterator

from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import WorkflowIDReusePolicy

POLL_SECONDS = 0.1
APPROVALS = (
    "item/commandExecution/requestApproval",
    "item/fileChange/requestApproval",
)


async def main(cwd: str, prompt: str) -> int:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"),
        namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"),
    )
    thread_id = f"python-{uuid.uuid4()}"
    turn_id = f"turn-{uuid.uuid4()}"
    # One durable call that needs no worker: the thread is started, and its first turn is in its history.
    handle = await client.start_workflow(
        "thread",
        {
            "threadId": thread_id,
            "workspace": {"cwd": os.path.abspath(cwd)},
            "approvalPolicy": "untrusted",
        },
        id=f"thread/{thread_id}",
        task_queue=os.environ.get("BOBBIN_TASK_QUEUE", "bobbin"),
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        start_signal="submitTurn",
        start_signal_args=[
            {
                "turnId": turn_id,
                "kind": "regular",
                "input": [{"type": "text", "text": prompt}],
            }
        ],
    )
    print(f"thread {thread_id}")
    async for event in events(handle):
        print(f"{event['seq']:4} {event['type']}")
        if event["type"] in APPROVALS:
            request_id = event["request"]["requestId"]
            await handle.execute_update(
                "resolve", {"requestId": request_id, "decision": "accept"}
            )
        if event["type"] == "turn/completed" and event["turn"]["turnId"] == turn_id:
            await handle.signal("closeThread", {"reason": "the example is over"})
            print(json.dumps(event["turn"]))
            return 0 if event["turn"]["status"] == "completed" else 1
    return 1


async def events(handle: WorkflowHandle[Any, Any]) -> AsyncIterator[dict[str, Any]]:
    """Every event in order, each once. A thread that runs for long has its past in an archive; this one does not."""
    after = 0
    while True:
        try:
            page = await handle.query("events", {"after": after, "limit": 100})
        except WorkflowQueryFailedError as error:
            if not str(error).startswith("threadOpening"):
                raise
            page = {"events": [], "next": after, "more": False}
        for event in page["events"]:
            yield event
            if event["type"] == "thread/closed":
                return
        after = page["next"]
        if not page["more"]:
            await asyncio.sleep(POLL_SECONDS)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    code = asyncio.run(main(sys.argv[1], sys.argv[2]))
    sys.stdout.flush()
    # Not sys.exit: threads of the SDK's core may still run, and Python 3.11 can crash while it ends beside them.
    os._exit(code)
