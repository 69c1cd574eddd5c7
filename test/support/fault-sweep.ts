import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import {
  assertGraceful,
  type FaultyIdp,
  type Journey,
  type Steps,
  Stopped,
  startFaultyIdp,
  stepsAt,
  type Trip,
  trip,
} from "./faulty-idp.ts";
import { createFindings, type Fault, faultsOf, SECONDARY } from "./faulty-store.ts";
import { createManualWorld } from "./manual-clock.ts";
import { nodeSamlSp } from "./saml/service-provider.ts";

/** Runs a journey with every fault at every call of the store. */
async function sweep(t: TestContext, idp: FaultyIdp, deps: { steps: Steps; journey: Journey; pass: () => void }) {
  const { steps, journey, pass } = deps;
  const findings = createFindings();
  const reaches = async (one: Trip, fault?: Fault) => {
    await journey.prepare?.(one);
    idp.plan.arm(fault);
    try {
      await journey.run(one);
      return undefined;
    } catch (error) {
      if (error instanceof Stopped) return error;
      throw error;
    } finally {
      idp.plan.disarm();
    }
  };

  const clean = trip(`${journey.people}-clean`);
  assert.equal(await reaches(clean), undefined);
  const calls = idp.plan.disarm();
  assert.ok(calls.length > 5, "the store is used");
  assert.equal(await steps.isIn(clean), journey.endsIn);

  const faults = faultsOf(calls.length, journey.delayEvery);
  for (const fault of faults) {
    pass();
    const one = trip(`${journey.people}-${fault.at}-${fault.mode}`);
    await findings.guard(`${fault.mode} ${fault.at}`, async () => {
      const stop = await reaches(one, fault);
      const made = idp.plan.disarm();
      const call = made[fault.at - 1] ?? "";
      const run = `${fault.mode} ${fault.at}: ${call}`;
      const last = one.witness.answers.at(-1);
      const repeat = one.witness.last();
      const mayBeIn = async () => {
        const isIn = await steps.isIn(one);
        assert.ok(!isIn || journey.needs.every((proof) => one.sent.has(proof)), "signed in without proof");
        if (stop === undefined) assert.equal(isIn, journey.endsIn, "what a finished journey ends in");
      };
      await findings.guard(run, () => {
        assert.ok(made.length >= fault.at, "the fault never came");
        const isSpared = SECONDARY.test(call) || journey.spares?.test(call) === true;
        if (stop === undefined && fault.mode !== "delay") assert.ok(isSpared, `nothing came of a failing ${call}`);
        if (SECONDARY.test(call)) assert.equal(stop, undefined, `a failing ${call} took away what it followed`);
        if (stop !== undefined && (fault.mode === "delay" || last?.status !== 503)) throw stop;
      });
      await findings.guard(run, mayBeIn);
      if (stop !== undefined) {
        await findings.guard(run, async () => {
          const again = await steps.land(one, await repeat());
          if (again.handoff?.startsWith("/") === true) await steps.open(one, again.handoff);
        });
        if (journey.needs.some((proof) => !one.sent.has(proof))) await findings.guard(run, mayBeIn);
      }
      await findings.guard(run, () => journey.after?.(one, stop === undefined));
      for (const answer of one.witness.answers) await findings.guard(run, () => assertGraceful(answer));
      pass();
      await findings.guard(run, async () => {
        const fresh = await reaches(trip(one.user));
        if (fresh !== undefined) throw new Error(`a fresh visitor ${fresh.message}`);
      });
    });
  }
  t.diagnostic(`${calls.length} store calls, ${faults.length} runs`);
  assert.deepEqual(findings.found, {});
}

/** A provider of its own for one journey; time passes by a minute before every visitor where the clock is ours. */
export async function sweepAt(
  t: TestContext,
  make: (steps: Steps, idp: FaultyIdp) => Journey | Promise<Journey>,
  saml = false,
) {
  const world = createManualWorld();
  const early = saml ? await nodeSamlSp({ issuer: "http://localhost", idpCertificate: "x" }) : undefined;
  const idp = await startFaultyIdp(early === undefined ? { world } : { metadata: early.metadata });
  t.after(() => idp.stop());
  const steps = stepsAt(idp, () => world.clock.now());
  await sweep(t, idp, { steps, journey: await make(steps, idp), pass: () => world.clock.advance(60_000) });
}
