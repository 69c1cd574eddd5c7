import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { CookieOptions, Response } from "express";
import type { Clock, Random } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";

/** A browser that may skip the second factor for one account, for a time. */
export interface TrustedDevice {
  readonly id: string;
  readonly userAgent: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly until: number;
  readonly isThis: boolean;
}

/** Browsers, known by a random cookie of their own. Which accounts signed in with one is kept here, not in the cookie. */
export interface Devices {
  /** Whether people may let a browser skip the second factor at all. */
  readonly offersTrust: boolean;
  /** The browser of a request; `undefined` for one that was never here. */
  of(req: IncomingMessage): string | undefined;
  /**
   * The browser, if this name signed in with it before: its wrong guesses are counted apart from a stranger's. For guesses at second factors
   * it must have proven one: whoever stole a password could make browsers known by it, each with tries of its own.
   */
  known(device: string | undefined, name: string, guessed?: "password" | "factor"): Promise<string | undefined>;
  /** Notes who signed in, and whether with a second factor; sets the cookie of a browser that has none. Returns the browser. */
  remember(req: IncomingMessage, res: Response, names: readonly string[], hasFactor: boolean): Promise<string>;
  trust(device: string, subject: string, userAgent: string): Promise<void>;
  isTrusted(device: string | undefined, subject: string): Promise<boolean>;
  list(subject: string, device: string | undefined): Promise<readonly TrustedDevice[]>;
  /** `false`: there is no such device of this account. */
  forget(subject: string, id: string): Promise<boolean>;
  forgetAll(subject: string): Promise<number>;
}

const DEVICE = "device";
const TRUST = "device.trust";
/** Milliseconds. */
const KEEP = 400 * 86_400_000;
const REFRESH = 86_400_000;
/** Names of one browser that are remembered, with and without a factor. */
const NAMES = 40;

export interface DevicesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly isSecure: boolean;
  /** Milliseconds a device stays trusted; `undefined`: nobody is asked. */
  readonly trustFor: number | undefined;
}

export function createDevices({ store, clock, random, isSecure, trustFor }: DevicesDeps): Devices {
  const cookie = isSecure ? "__Host-moonlatch_device" : "moonlatch_device";
  const options: CookieOptions = { httpOnly: true, sameSite: "lax", secure: isSecure, path: "/", maxAge: KEEP };
  const sent = (req: IncomingMessage): string | undefined =>
    new RegExp(`(?:^|;\\s*)${cookie}=([A-Za-z0-9_-]{27})(?:;|$)`).exec(req.headers.cookie ?? "")?.[1];
  const digest = (text: string): string => createHash("sha256").update(text).digest("base64url");
  const names = async (device: string): Promise<Record<string, number>> =>
    ((await store.get(DEVICE, device))?.value["names"] ?? {}) as Record<string, number>;
  const trusts = (subject: string) => store.findByIndex(TRUST, "account", subject);
  const of = (req: IncomingMessage): string | undefined => {
    const id = sent(req);
    return id === undefined ? undefined : digest(id);
  };
  return {
    offersTrust: trustFor !== undefined,
    of,
    async known(device, name, guessed = "password") {
      return device !== undefined && Object.hasOwn(await names(device), nameKey(name, guessed)) ? device : undefined;
    },
    async remember(req, res, people, hasFactor) {
      const id = sent(req) ?? random.id();
      const device = digest(id);
      res.cookie(cookie, id, options);
      const known = await names(device);
      const guessed = hasFactor ? (["password", "factor"] as const) : (["password"] as const);
      const keys = people.flatMap((name) => guessed.map((what) => nameKey(name, what)));
      const isFresh = keys.every((key) => (known[key] ?? 0) > clock.now() - REFRESH);
      if (!isFresh) {
        const merged = { ...known, ...Object.fromEntries(keys.map((key) => [key, clock.now()])) };
        const latest = Object.entries(merged).toSorted(([, a], [, b]) => b - a);
        const kept = Object.fromEntries(latest.slice(0, NAMES));
        await store.put(DEVICE, device, { names: kept }, { expiresAt: clock.now() + KEEP });
      }
      return device;
    },
    async trust(device, subject, userAgent) {
      if (trustFor === undefined) return;
      const since = clock.now();
      const value = { device, userAgent, since, until: since + trustFor };
      await store.put(TRUST, digest(`${device} ${subject}`), value, {
        expiresAt: since + trustFor,
        index: { account: subject },
      });
    },
    async isTrusted(device, subject) {
      if (device === undefined || trustFor === undefined) return false;
      return (await store.get(TRUST, digest(`${device} ${subject}`))) !== undefined;
    },
    async list(subject, device) {
      return (await trusts(subject)).map(({ id, record: { value } }) => ({
        id,
        userAgent: String(value["userAgent"]),
        since: Number(value["since"]),
        until: Number(value["until"]),
        isThis: value["device"] === device,
      }));
    },
    async forget(subject, id) {
      return (await trusts(subject)).some((one) => one.id === id) && store.delete(TRUST, id);
    },
    forgetAll: (subject) => store.deleteByIndex(TRUST, "account", subject),
  };
}

/** All spellings of a name are one; hashed, because people type passwords there, too. */
function nameKey(name: string, guessed: "password" | "factor"): string {
  const hash = createHash("sha256").update(name.normalize("NFKC").trim().toLowerCase()).digest("base64url");
  return `${hash.slice(0, 22)}${guessed === "factor" ? "+" : ""}`;
}
