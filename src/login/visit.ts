import type { Request, Response } from "express";
import type { Factors } from "../factors/index.ts";
import type { Csrf, Pages } from "../http/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { Access } from "./access.ts";
import type { Devices } from "./devices.ts";
import type { RequestFacts } from "./facts.ts";
import type { SignInGate, SignInRequest } from "./gate.ts";
import type { LoginService } from "./service.ts";

export interface LoginRouterDeps {
  readonly gates: readonly SignInGate[];
  readonly service: LoginService;
  readonly factors: Factors;
  readonly devices: Devices;
  readonly access: Access;
  readonly csrf: Csrf;
  readonly pages: Pages;
  readonly facts: RequestFacts;
  readonly clock: Clock;
  readonly forgotHref: string | undefined;
  readonly offerRemember: boolean;
  readonly offerPasskey: () => boolean;
  /** Days a device stays trusted; `undefined`: nobody is asked. */
  readonly trustDays: number | undefined;
  /** Minutes an attempt lives, for the out-of-date page. */
  readonly minutes: number;
  /** A scope in words, in the person's language. */
  readonly scopeTitle: (req: Request, request: SignInRequest, scope: string) => string;
  /** A browser in words: what a key made in it is called. */
  readonly keyName: (userAgent: string) => string;
}

/** One request to a step of a sign-in. */
export type Visit = LoginRouterDeps & { readonly gate: SignInGate; readonly req: Request; readonly res: Response };
