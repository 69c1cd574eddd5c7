import type { Method } from "../factors/index.ts";
import type { Level } from "./levels.ts";

/** One thing a person did to prove who they are. */
export interface Proof {
  /** `passkey`: a key that knows its owner and stands for password and factor. `enrolment_code`: handed out by an administrator. */
  readonly method: "password" | "passkey" | Method | "enrolment_code";
  /** Seconds since the epoch. */
  readonly at: number;
  /** For keys: it may exist on several devices. */
  readonly multiDevice?: boolean;
}

export type Proofs = readonly Proof[];

/** The level each method reaches, a second factor together with a password. */
export type Levels = Readonly<Record<Method | "passkey", Level>>;

export const DEFAULT_LEVELS: Levels = { totp: 2, recovery: 2, webauthn: 3, passkey: 3 };

/** @param counts which methods count; all unless told. */
export function levelOfProofs(proofs: Proofs, levels: Levels, counts?: readonly Method[]): Level {
  const has = (method: Proof["method"]): boolean => proofs.some((proof) => proof.method === method);
  const reached = (["totp", "recovery", "webauthn", "passkey"] as const).filter((method) => {
    if (method === "passkey") return has(method) && isCounted(counts, "webauthn");
    return has(method) && (has("password") || has("passkey")) && isCounted(counts, method);
  });
  return Math.max(1, ...reached.map((method) => levels[method])) as Level;
}

function isCounted(counts: readonly Method[] | undefined, method: Method): boolean {
  return counts === undefined || counts.includes(method);
}

/** RFC 8176 names of what was really used. */
export function amrOf(proofs: Proofs): readonly string[] {
  const names = proofs.flatMap(({ method, multiDevice }): readonly string[] => {
    switch (method) {
      case "password":
        return ["pwd"];
      case "totp":
      case "recovery":
        return ["otp"];
      case "webauthn":
      case "passkey":
        return [multiDevice === true ? "swk" : "hwk", "user"];
      case "enrolment_code":
        return [];
      default:
        return method satisfies never;
    }
  });
  // A passkey is something one has that asked for something one knows or is.
  const isTwo =
    proofs.some(({ method }) => method === "passkey") ||
    (names.includes("pwd") && names.some((name) => name !== "pwd"));
  return [...new Set([...names, ...(isTwo ? ["mfa"] : [])])];
}

/** Seconds: when the person last gave the first proof. A later second factor does not make an old password fresh. */
export function authTimeOf(proofs: Proofs): number {
  return Math.max(
    0,
    ...proofs.filter(({ method }) => method === "password" || method === "passkey").map(({ at }) => at),
  );
}

/** Both sets, the later proof of each method. */
export function mergeProofs(before: Proofs, now: Proofs): Proofs {
  return [...before.filter((old) => !now.some(({ method }) => method === old.method)), ...now];
}
