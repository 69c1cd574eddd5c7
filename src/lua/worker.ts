// The Lua thread: one machine, nothing else. Talks in batches; blocks only where Lua cannot yield.
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { createMachine, type Machine } from "./machine.ts";
import { type FromWorker, type HostReply, SLOT, STATE, type ToWorker, type WorkerSetup } from "./messages.ts";
import { createReader } from "./sources.ts";

const setup = workerData as WorkerSetup;
const port = parentPort;
if (port === null) throw new Error("this file is a worker");
const shared = new Int32Array(setup.shared);

const outgoing: FromWorker[] = [];
const flush = (): void => {
  if (outgoing.length > 0) port.postMessage(outgoing.splice(0));
};
const send = (message: FromWorker): void => {
  if (outgoing.length === 0) setImmediate(flush);
  outgoing.push(message);
};

const late: ToWorker[] = [];
const handle = (machine: Machine, message: ToWorker): void => {
  if (message.kind === "call") machine.call(message.id, message.fn, message.fields);
  else if (message.kind === "reply") machine.reply(message.call, message.value, message.error);
  else machine.cancel(message.id);
};

/** Waits for one reply where Lua cannot yield; everything else that arrives is kept for later, never run inside the wait. */
const block = (call: number): HostReply => {
  flush();
  Atomics.store(shared, SLOT.state, STATE.waiting);
  let found: Extract<ToWorker, { kind: "reply" }> | undefined;
  while (found === undefined) {
    const seen = Atomics.load(shared, SLOT.messages);
    for (let batch = receiveMessageOnPort(port); batch !== undefined; batch = receiveMessageOnPort(port)) {
      for (const message of batch.message as ToWorker[]) {
        if (message.kind === "reply" && message.call === call) found = message;
        else late.push(message);
      }
    }
    if (found === undefined) Atomics.wait(shared, SLOT.messages, seen, 1_000);
  }
  Atomics.store(shared, SLOT.state, STATE.running);
  if (late.length > 0) setImmediate(drainLate);
  return { value: found.value, error: found.error };
};

let machine: Machine | undefined;
const drainLate = (): void => {
  for (const message of late.splice(0)) if (machine !== undefined) handle(machine, message);
};

try {
  machine = createMachine({
    ...setup,
    read: createReader(setup.sources, (path, text) => send({ kind: "source", path, text })),
    send: (call, op, args) => send({ kind: "host", call, op, args }),
    block,
    beat: () => void Atomics.add(shared, SLOT.heartbeat, 1),
    running: (call) => {
      Atomics.store(shared, SLOT.running, call);
      Atomics.store(shared, SLOT.state, call === 0 ? STATE.idle : STATE.running);
      Atomics.add(shared, SLOT.heartbeat, 1);
    },
    log: (level, message) => send({ kind: "log", level, message }),
    done: (id, outcome) =>
      send("by" in outcome ? { kind: "failed", id, failure: outcome } : { kind: "done", id, result: outcome }),
  });
  send({ kind: "ready", functions: machine.functions });
  const ready = machine;
  port.on("message", (batch: readonly ToWorker[]) => {
    for (const message of batch) handle(ready, message);
  });
} catch (error) {
  send({ kind: "broken", message: error instanceof Error ? error.message : "the script cannot be loaded" });
}
